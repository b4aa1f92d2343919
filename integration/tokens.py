# SPDX-License-Identifier: Apache-2.0
"""A token server as Docker's specification has it, and certificates, for tests of registries."""
import base64
import json
import pathlib
import socket
import subprocess
import time
import urllib.parse

import httpserver


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


def own_address():
    """An address of this machine that is not of the loopback net, where TLS is checked; None without."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return None


def make_authority(folder):
    """ca.crt and ca.key in the folder."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout",
            folder / "ca.key", "-out", folder / "ca.crt")


def make_certificate(folder, name, address):
    """NAME.crt and NAME.key for an IP address, signed by the folder's authority."""
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out",
            folder / f"{name}.csr")
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName=IP:{address}\n")
    openssl("x509", "-req", "-days", "2", "-in", folder / f"{name}.csr", "-CA", folder / "ca.crt", "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-extfile", extensions, "-out", folder / f"{name}.crt")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer(httpserver.HttpServer):
    """Gives tokens to `users` (name: password) for whatever they ask for, and counts them. Tokens are good for
    `lifetime` seconds. With `offline` who asks for it gets an identity token, too; those that are good are in `identities`
    (token: user), and what was exchanged for one is in `exchanged`."""

    def __init__(self, folder, users, lifetime=300, offline=False):
        self.folder, self.users, self.lifetime, self.offline = pathlib.Path(folder), users, lifetime, offline
        self.given, self.refused = [], 0
        self.identities, self.exchanged = {}, []
        make_authority(self.folder)
        super().__init__()
        self.url = f"http://{self.host}/token"

    def registry_auth(self):
        """The `auth` of a registry that believes this server."""
        return {"token": {"realm": self.url, "service": "tests", "issuer": "tests",
                          "rootcertbundle": str(self.folder / "ca.crt")}}

    def answer(self, request):
        if request.command == "POST":
            return self.reply(request, *self.exchange(request))
        query = urllib.parse.parse_qs(urllib.parse.urlparse(request.path).query)
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(credentials).decode().partition(":") if kind == "Basic" else ("", "", "")
        if user not in self.users or self.users[user] != password:
            self.refused += 1
            return self.reply(request, 401, {"details": "incorrect username or password"})
        body = {"token": self.token(user, query), "expires_in": self.lifetime}
        if self.offline and query.get("offline_token") == ["true"]:
            body["refresh_token"] = f"identity+of/{user}="
            self.identities[body["refresh_token"]] = user
        self.given.append(query.get("scope", []))
        return self.reply(request, 200, body)

    def exchange(self, request):
        """OAuth2's form: (status, body)."""
        length = int(request.headers["Content-Length"])
        form = urllib.parse.parse_qs(request.rfile.read(length).decode())
        assert form["grant_type"] == ["refresh_token"] and form["client_id"], form
        user = self.identities.get(form["refresh_token"][0])
        if not user:
            self.refused += 1
            return 401, {"details": "this identity token is not good any more"}
        scopes = form.get("scope", [""])[0].split()
        self.exchanged.append(scopes)
        return 200, {"access_token": self.token(user, {**form, "scope": scopes}), "expires_in": self.lifetime,
                     "refresh_token": form["refresh_token"][0]}

    @staticmethod
    def reply(request, status, body):
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def token(self, user, query):
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        certificate = base64.b64encode(openssl("x509", "-in", self.folder / "ca.crt", "-outform", "DER")).decode()
        now = int(time.time())
        parts = [{"typ": "JWT", "alg": "RS256", "x5c": [certificate]},
                 {"iss": "tests", "sub": user, "aud": query["service"][0], "exp": now + self.lifetime, "nbf": now - 10,
                  "iat": now, "jti": str(time.monotonic_ns()), "access": access}]
        signed = ".".join(b64url(json.dumps(p).encode()) for p in parts)
        return signed + "." + b64url(openssl("dgst", "-sha256", "-sign", self.folder / "ca.key", data=signed.encode()))
