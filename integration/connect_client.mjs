// SPDX-License-Identifier: Apache-2.0
// The stock Connect client for Node against a gateway: `node connect_client.mjs SOCKET json|proto`, in a folder with
// its packages and with the definitions as protoc-gen-es makes them. Prints what came back as one JSON object.
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport } from "@connectrpc/connect-node";
import { Containers } from "./cleat/v1/containers_pb.js";
import { System } from "./cleat/v1/system_pb.js";

const [socketPath, form] = process.argv.slice(2);
const seen = { requests: [] };
const request = http.request;
http.request = (...args) => {
  const made = request(...args);
  seen.requests.push(`${made.method} ${made.path.split("?")[0].split("/").pop()}`);
  return made;
};
syncBuiltinESMExports();

const transport = (more) => createConnectTransport({
  baseUrl: "http://localhost", httpVersion: "1.1", nodeOptions: { socketPath }, useBinaryFormat: form === "proto", ...more,
});
const plain = transport({ acceptCompression: [] });
const small = transport({
  useHttpGet: true, acceptCompression: [compressionGzip], sendCompression: compressionGzip, compressMinBytes: 1,
});

const failure = async (call) => {
  try {
    await call();
    return null;
  } catch (e) {
    const error = ConnectError.from(e);
    return { code: Code[error.code], message: error.rawMessage, details: error.details.map((d) => [d.type, d.debug?.reason]) };
  }
};

const drain = async (stream) => {
  const bytes = [];
  for await (const message of stream) bytes.push(message.data);
  return Buffer.concat(bytes).toString();
};

for (const [name, used] of Object.entries({ plain, small })) {
  const containers = createClient(Containers, used);
  const system = createClient(System, used);
  const version = await system.version({});
  const { id } = await containers.create({ config: { image: "busybox", command: { values: ["sh", "-c", "echo out; yes | head -c 8000"] } } });
  await containers.start({ container: id });
  let waited;
  for await (waited of containers.wait({ container: id }));
  seen[name] = {
    os: version.os,
    exit: waited.exitCode,
    logs: await drain(containers.logs({ container: id, stdout: true })),
    listed: (await containers.list({ all: true })).containers.map((c) => c.id).includes(id),
    missing: await failure(() => containers.inspect({ container: "none" })),
    missingStream: await failure(() => drain(containers.logs({ container: "none", stdout: true }))),
    deadline: await failure(() => drain(system.events({}, { timeoutMs: 300 }))),
  };
  const aborted = new AbortController();
  setTimeout(() => aborted.abort(), 100);
  seen[name].aborted = await failure(() => drain(system.events({}, { signal: aborted.signal })));
  await containers.remove({ container: id });
}
console.log(JSON.stringify(seen));
