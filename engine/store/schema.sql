-- Migration 1: containers and their exec sessions, images, remembered answers.
-- Each "-- Migration N" block runs once, in order, in one transaction; PRAGMA user_version is the
-- last one applied. A block may only add: the release before must still work on its result.
CREATE TABLE containers (
	id          TEXT PRIMARY KEY,             -- 64 hexadecimal digits
	name        TEXT NOT NULL UNIQUE,         -- without the leading slash
	image_ref   TEXT NOT NULL,                -- as the user wrote it
	image_id    TEXT NOT NULL,                -- sha256:... or "" for an image of no store
	command     TEXT NOT NULL,                -- for lists: entrypoint and arguments joined
	created_ns  INTEGER NOT NULL,
	config      BLOB NOT NULL,                -- cleat.v1.CreateContainerRequest
	auto_remove INTEGER NOT NULL DEFAULT 0,
	intent      TEXT NOT NULL DEFAULT '',     -- creating, or '' when at rest
	last_seq    INTEGER NOT NULL DEFAULT 0,   -- last shim event that is in the event journal
	boot_id     TEXT NOT NULL DEFAULT ''      -- kernel boot in which a shim was last spawned
) WITHOUT ROWID;
CREATE TABLE execs (
	id           TEXT PRIMARY KEY,
	container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	created_ns   INTEGER NOT NULL,
	config       BLOB NOT NULL,               -- cleat.v1.CreateExecRequest
	state        INTEGER NOT NULL DEFAULT 0,  -- 0 created, 1 started, 2 ended
	pid          INTEGER NOT NULL DEFAULT 0,
	exit_code    INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX execs_by_container ON execs(container_id);
CREATE TABLE requests (
	key        TEXT PRIMARY KEY,              -- peer uid, method and the caller's request_key
	created_ns INTEGER NOT NULL,
	reply      BLOB NOT NULL                  -- packed reply of the call that was carried out
) WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests(created_ns);
CREATE TABLE images (
	id         TEXT PRIMARY KEY,              -- sha256:... of the config
	manifest   TEXT NOT NULL DEFAULT '',      -- digest of the manifest, '' when it came without
	config     BLOB NOT NULL,                 -- the config's JSON
	created_ns INTEGER NOT NULL DEFAULT 0,
	size_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE image_layers (
	image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
	position INTEGER NOT NULL,                -- 0 = lowest
	diff_id  TEXT NOT NULL,
	PRIMARY KEY (image_id, position)
) WITHOUT ROWID;
CREATE INDEX image_layers_by_diff ON image_layers(diff_id);
CREATE TABLE tags (
	name     TEXT PRIMARY KEY,                -- normalised: docker.io/library/busybox:latest
	image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX tags_by_image ON tags(image_id);
-- Migration 2: blobs as they came, and the digests that registries know images by.
CREATE TABLE blobs (
	digest     TEXT PRIMARY KEY,             -- sha256:..., the file STATE/blobs/sha256/HEX
	media_type TEXT NOT NULL,
	size_bytes INTEGER NOT NULL,
	diff_id    TEXT NOT NULL DEFAULT ''      -- of a layer: what it unpacks to
) WITHOUT ROWID;
CREATE INDEX blobs_by_diff ON blobs(diff_id);
CREATE TABLE image_blobs (                       -- a blob goes with the last image that needs it
	image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
	digest   TEXT NOT NULL REFERENCES blobs(digest) ON DELETE CASCADE,
	PRIMARY KEY (image_id, digest)
) WITHOUT ROWID;
CREATE INDEX image_blobs_by_digest ON image_blobs(digest);
CREATE TABLE repo_digests (
	repository TEXT NOT NULL,                -- docker.io/library/busybox
	digest     TEXT NOT NULL,                -- of the manifest, or of the index it came through
	image_id   TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
	PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX repo_digests_by_image ON repo_digests(image_id);
CREATE TABLE blob_sources (                      -- repositories that have a blob: for mounts on push
	digest     TEXT NOT NULL,
	repository TEXT NOT NULL,
	PRIMARY KEY (digest, repository)
) WITHOUT ROWID;
-- Migration 3: builds. What is of a build under way names the build's lease; '' = of none.
ALTER TABLE images ADD COLUMN lease TEXT NOT NULL DEFAULT '';
CREATE TABLE build_cache (
	key         TEXT NOT NULL,                -- digest of all that the step depended on
	diff_id     TEXT NOT NULL,                -- sha256:... of its layer, '' = it changed no file
	lease       TEXT NOT NULL DEFAULT '',
	size_bytes  INTEGER NOT NULL DEFAULT 0,
	created_ns  INTEGER NOT NULL,
	used_ns     INTEGER NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (key, diff_id)
) WITHOUT ROWID;
CREATE INDEX build_cache_by_diff ON build_cache(diff_id);
-- Migration 4: volumes, which containers keep them, and what is mounted in a container.
CREATE TABLE volumes (
	name       TEXT PRIMARY KEY,             -- the directory STATE/volumes/NAME
	driver     TEXT NOT NULL,                -- local
	anonymous  INTEGER NOT NULL DEFAULT 0,   -- goes with its container where that is asked for
	created_ns INTEGER NOT NULL,
	config     BLOB NOT NULL                 -- cleat.v1.CreateVolumeRequest: options and labels
) WITHOUT ROWID;
CREATE TABLE volume_uses (                       -- a volume that has a row here cannot go
	volume       TEXT NOT NULL REFERENCES volumes(name),
	container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	own          INTEGER NOT NULL DEFAULT 0, -- made for this container
	PRIMARY KEY (volume, container_id)
) WITHOUT ROWID;
CREATE INDEX volume_uses_by_container ON volume_uses(container_id);
ALTER TABLE containers ADD COLUMN mounts BLOB NOT NULL DEFAULT x''; -- cleat.v1.ContainerConfig of mounts alone
-- Migration 5: networks, what containers have of them, and published ports.
CREATE TABLE networks (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	driver     TEXT NOT NULL,                -- bridge, host, null
	created_ns INTEGER NOT NULL,
	bridge     TEXT NOT NULL DEFAULT '',     -- its interface on the host
	intent     TEXT NOT NULL DEFAULT '',     -- removing, or '' when at rest
	config     BLOB NOT NULL,                -- cleat.v1.CreateNetworkRequest, all filled in; '' = not yet used
	next_host  INTEGER NOT NULL DEFAULT 0    -- number of the address that was given out last
) WITHOUT ROWID;
INSERT INTO networks (id, name, driver, created_ns, bridge, config)
	SELECT lower(hex(randomblob(32))), column1, column2, CAST(strftime('%s', 'now') AS INTEGER) * 1000000000, column3, x''
	FROM (VALUES ('bridge', 'bridge', 'cleat0'), ('host', 'host', ''), ('none', 'null', ''));
CREATE TABLE endpoints (                         -- which networks a container is to be in
	container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	network_id   TEXT NOT NULL,              -- which may be gone by now
	position     INTEGER NOT NULL,           -- 0 = eth0
	id           TEXT NOT NULL,
	config       BLOB NOT NULL,              -- cleat.v1.EndpointConfig
	PRIMARY KEY (container_id, network_id)
) WITHOUT ROWID;
CREATE INDEX endpoints_by_network ON endpoints(network_id);
CREATE TABLE addresses (                         -- of containers that run; the key keeps them apart
	network_id   TEXT NOT NULL REFERENCES networks(id) ON DELETE CASCADE,
	address      TEXT NOT NULL,
	container_id TEXT REFERENCES containers(id) ON DELETE CASCADE, -- NULL = reserved
	exits        INTEGER NOT NULL DEFAULT 0, -- of the container when it got the address
	PRIMARY KEY (network_id, address)
) WITHOUT ROWID;
CREATE INDEX addresses_by_container ON addresses(container_id);
CREATE TABLE ports (                             -- published now
	protocol       TEXT NOT NULL,
	host_port      INTEGER NOT NULL,
	host_address   TEXT NOT NULL,            -- 0.0.0.0 and :: = every one
	container_id   TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	container_port INTEGER NOT NULL,
	target         TEXT NOT NULL,            -- the container's address
	exits          INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (protocol, host_port, host_address)
) WITHOUT ROWID;
CREATE INDEX ports_by_container ON ports(container_id);
-- Migration 6: by which names containers are known in networks, and links on the default network.
ALTER TABLE endpoints ADD COLUMN names TEXT NOT NULL DEFAULT ''; -- besides the container's: aliases, short id, host name
ALTER TABLE endpoints ADD COLUMN intent TEXT NOT NULL DEFAULT ''; -- joining or leaving, or '' when at rest
UPDATE endpoints SET names = substr(container_id, 1, 12);
CREATE TABLE links (
	container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	alias        TEXT NOT NULL,              -- by which it knows the target
	target_id    TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	PRIMARY KEY (container_id, alias)
) WITHOUT ROWID;
CREATE INDEX links_by_target ON links(target_id);
-- Migration 7: ports that a socket of the container's shim listens at, not the rules.
ALTER TABLE ports ADD COLUMN relayed INTEGER NOT NULL DEFAULT 0;
-- Migration 8: ids of the host that a container has to itself (--userns auto).
CREATE TABLE id_ranges (
	container_id TEXT PRIMARY KEY REFERENCES containers(id) ON DELETE CASCADE,
	first        INTEGER NOT NULL UNIQUE,    -- what root is inside
	size         INTEGER NOT NULL
) WITHOUT ROWID;
-- Migration 9: images that containers have mounted.
CREATE TABLE image_mounts (
	container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
	image_id     TEXT NOT NULL,
	PRIMARY KEY (container_id, image_id)
) WITHOUT ROWID;
CREATE INDEX image_mounts_by_image ON image_mounts(image_id);
CREATE VIEW image_users AS                       -- containers made from an image, and those that have it mounted
	SELECT image_id, id AS container_id FROM containers UNION SELECT image_id, container_id FROM image_mounts;
