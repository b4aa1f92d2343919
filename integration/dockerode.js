// SPDX-License-Identifier: Apache-2.0
// A program with dockerode that uses each group of endpoints. DOCKER_HOST names the gateway's socket, the arguments
// are a build context as a tar, and as a directory. Ends with an error at the first thing that is not as with Docker.
const assert = require('node:assert/strict');
const { PassThrough, Readable } = require('node:stream');
const Docker = require('dockerode');

const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace('unix://', '') });
const [contextTar, contextDirectory] = process.argv.slice(2);

function all(stream) {
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', () => resolve(Buffer.concat(parts).toString('latin1')));
  });
}

function progress(stream) {
  return new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, objects) => (error ? reject(error) : resolve(objects))));
}

function frame(text, stream = 1) {
  return String.fromCharCode(stream, 0, 0, 0, 0, 0, 0, text.length) + text;
}

async function status(promise) {
  return promise.then(() => 200, (error) => error.statusCode);
}

async function system() {
  assert.equal((await docker.ping()).toString(), 'OK');
  assert.equal((await docker.version()).ApiVersion, '1.48');
  assert.equal((await docker.info()).OSType, 'linux');
  assert.ok('LayersSize' in await docker.df());
  assert.equal(await status(docker.listServices()), 503);
  assert.deepEqual(await docker.listPlugins(), []);
  const events = await docker.getEvents({ filters: { event: ['create'] } });
  const first = new Promise((resolve) => events.once('data', resolve));
  const made = await docker.createContainer({ Image: 'busybox' });
  assert.equal(JSON.parse(await first).Actor.ID, made.id);
  events.destroy();
  await made.remove();
  const past = await docker.getEvents({ since: 1, until: Math.floor(Date.now() / 1000) + 1, filters: { container: [made.id] } });
  assert.deepEqual((await all(past)).trim().split('\n').map((line) => JSON.parse(line).Action), ['create', 'destroy']);
}

async function run() {
  const out = new PassThrough(), err = new PassThrough();
  const [result, container] = await docker.run('busybox', ['sh', '-c', 'echo hi; echo no >&2; exit 3'], [out, err], { Tty: false });
  out.end();
  err.end();
  assert.deepEqual([result.StatusCode, await all(out), await all(err)], [3, 'hi\n', 'no\n']);
  assert.equal(await all(await container.logs({ stdout: true, stderr: true, follow: true })), frame('hi\n') + frame('no\n', 2));
  await container.remove();
  const terminal = new PassThrough();
  const [, other] = await docker.run('busybox', ['tty'], terminal, {});
  terminal.end();
  assert.equal(await all(terminal), '/dev/pts/0\r\n');
  await other.remove();
}

async function attach() {
  const input = { OpenStdin: true, StdinOnce: true, AttachStdin: true };
  const streams = { stream: true, stdin: true, stdout: true, stderr: true };
  for (const hijack of [true, false]) {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['head', '-n1'], ...input });
    const stream = await container.attach({ ...streams, hijack });
    const output = all(stream);
    await container.start();
    stream.write('typed\n');
    assert.equal((await container.wait()).StatusCode, 0);
    assert.equal(await output, frame('typed\n'));
    await container.remove();
  }
}

async function exec(container) {
  const once = async (options, start, input) => {
    const e = await container.exec({ AttachStdin: !!input, AttachStdout: true, AttachStderr: true, ...options });
    const stream = await e.start(start);
    const output = all(stream);
    if (options.Tty && start.hijack) await e.resize({ h: 11, w: 22 });
    if (input) stream.write(input);
    if (input && start.hijack) stream.end();
    return [await output, (await e.inspect()).ExitCode];
  };

  assert.deepEqual(await once({ Cmd: ['cat'] }, { hijack: true, stdin: true }, 'abc'), [frame('abc'), 0]);
  for (const start of [{}, { Detach: false }, { hijack: true }])
    assert.deepEqual(await once({ Cmd: ['sh', '-c', 'echo out; exit 4'] }, start), [frame('out\n'), 4]);
  assert.deepEqual(await once({ Cmd: ['sh', '-c', 'read a; echo got $a'], Tty: true }, { stdin: true, Tty: true }, 'x\n'),
    ['x\r\ngot x\r\n', 0]);
  assert.deepEqual(await once({ Cmd: ['sh', '-c', 'read a; stty size'], Tty: true }, { hijack: true, stdin: true, Tty: true }, '\n'),
    ['\r\n11 22\r\n', 0]);
}

async function containers() {
  const port = { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{}] } } };
  const c = await docker.createContainer({ Image: 'busybox', name: 'first', Cmd: ['sleep', '1000'], Labels: { a: 'b' }, ...port });
  await c.start();
  assert.ok((await c.inspect()).NetworkSettings.Ports['80/tcp'][0].HostPort > 0);
  assert.equal(await status(c.start()), 304);
  assert.deepEqual((await docker.listContainers({ filters: { label: ['a=b'] } })).map((x) => x.Names), [['/first']]);
  assert.equal((await c.top()).Processes.length, 1);
  assert.ok((await c.stats({ stream: false })).memory_stats.usage > 0);
  await exec(c);
  const tar = Buffer.from(await all(await c.getArchive({ path: '/etc/passwd' })), 'latin1');
  await c.putArchive(tar, { path: '/tmp' });
  await c.putArchive(Readable.from([tar.subarray(0, 700), tar.subarray(700)]), { path: '/root' });
  assert.deepEqual((await c.changes()).map((x) => x.Path).filter((x) => /passwd/.test(x)).sort(), ['/root/passwd', '/tmp/passwd']);
  assert.equal(await status(c.getArchive({ path: '/none' })), 404);
  assert.ok((await all(await c.export())).includes('tmp/passwd'));
  await c.rename({ name: 'second' });
  await c.pause();
  await c.unpause();
  await c.restart({ t: 0 });
  await c.update({ Memory: 64 << 20, MemorySwap: -1 });
  await c.kill();
  await c.start();
  await c.stop({ t: 0 });
  await images(c);
  await networks(c);
  await c.remove({ v: true });
  assert.equal(await status(c.inspect()), 404);
  assert.equal((await docker.pruneContainers()).ContainersDeleted, null);
}

async function images(container) {
  await container.commit({ repo: 'made', tag: '1' });
  const i = docker.getImage('made:1');
  assert.deepEqual((await i.inspect()).RepoTags, ['made:1']);
  assert.ok((await i.history()).length > 1);
  await i.tag({ repo: 'made', tag: '2' });
  assert.deepEqual((await docker.listImages({ filters: { reference: ['made'] } }))[0].RepoTags.sort(), ['made:1', 'made:2']);
  const saved = Buffer.from(await all(await i.get()), 'latin1');
  await docker.getImage('made:2').remove();
  await i.remove();
  assert.equal(await status(i.inspect()), 404);
  assert.deepEqual(await progress(await docker.loadImage(Readable.from([saved]))), [{ stream: 'Loaded image: made:1\n' }]);
  await i.remove();
  const built = await progress(await docker.buildImage(contextTar, { t: 'built:1', buildargs: { A: '1' } }));
  assert.ok(built.some((x) => x.aux) && built.at(-1).stream === 'Successfully tagged built:1\n');
  await progress(await docker.buildImage({ context: contextDirectory, src: ['Dockerfile', 'f'] }, { t: 'built:2' }));
  assert.equal((await docker.getImage('built:2').inspect()).Id, (await docker.getImage('built:1').inspect()).Id);
  for (const tag of ['built:1', 'built:2']) await docker.getImage(tag).remove();
  await assert.rejects(docker.pull('localhost:1/none').then(progress));
  await docker.pruneImages();
}

async function networks(container) {
  const n = await docker.createNetwork({ Name: 'net', CheckDuplicate: true, Internal: true });
  await n.connect({ Container: container.id, EndpointConfig: { Aliases: ['other'] } });
  assert.ok('net' in (await container.inspect()).NetworkSettings.Networks);
  await n.disconnect({ Container: container.id, Force: true });
  assert.deepEqual((await docker.listNetworks({ filters: { name: ['net'] } })).map((x) => x.Internal), [true]);
  await n.remove();
  await docker.pruneNetworks();
}

async function volumes() {
  await docker.createVolume({ Name: 'vol', Labels: { x: 'y' } });
  const v = docker.getVolume('vol');
  assert.equal((await v.inspect()).Driver, 'local');
  assert.deepEqual((await docker.listVolumes({ filters: { label: ['x=y'] } })).Volumes.map((x) => x.Name), ['vol']);
  await v.remove();
  await docker.pruneVolumes();
}

process.exitCode = 1; /* node also ends when what is waited for can never come */
(async () => {
  for (const group of [system, run, attach, containers, volumes]) await group();
  process.exitCode = 0;
})();
