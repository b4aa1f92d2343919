# generated, do not edit: from cleat/v1/images.proto

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Unpack

import cleat.v1.common
import cleat.v1.config
import cleat.v1.options
from cleat import codec, transport  # noqa: F401


@dataclass
class ListImagesRequest(codec.Message):
    # also unnamed intermediate ones
    all: bool = False
    # dangling label reference before since until
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)
    digests: bool = False


ListImagesRequest.FIELDS = (
    (1, "all", "one", "bool", None),
    (2, "filters", "many", "message", lambda: cleat.v1.common.Filter),
    (3, "digests", "one", "bool", None),
)


@dataclass
class ListImagesReply(codec.Message):
    # newest first
    images: list[ImageSummary] = field(default_factory=list)


ListImagesReply.FIELDS = (
    (1, "images", "many", "message", lambda: ImageSummary),
)


@dataclass
class ImageSummary(codec.Message):
    # sha256:…
    id: str = ""
    # familiar: "busybox:latest"
    tags: list[str] = field(default_factory=list)
    # "busybox@sha256:…"
    digests: list[str] = field(default_factory=list)
    created_ns: int = 0
    # of all its layers, unpacked
    size_bytes: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    containers: int = 0
    parent_id: str = ""


ImageSummary.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "tags", "many", "string", None),
    (3, "digests", "many", "string", None),
    (4, "created_ns", "one", "int64", None),
    (5, "size_bytes", "one", "uint64", None),
    (6, "labels", "map", "message", (("string", None), ("string", None))),
    (7, "containers", "one", "uint32", None),
    (8, "parent_id", "one", "string", None),
)


@dataclass
class InspectImageRequest(codec.Message):
    image: str = ""
    # NOT_FOUND when the image is for another
    platform: cleat.v1.common.Platform | None = None


InspectImageRequest.FIELDS = (
    (1, "image", "one", "string", None),
    (2, "platform", "one", "message", lambda: cleat.v1.common.Platform),
)


@dataclass
class InspectRemoteImageRequest(codec.Message):
    reference: str = ""
    auth: cleat.v1.common.RegistryAuth | None = None


InspectRemoteImageRequest.FIELDS = (
    (1, "reference", "one", "string", None),
    (2, "auth", "one", "message", lambda: cleat.v1.common.RegistryAuth),
)


@dataclass
class RemoteImage(codec.Message):
    # of the manifest, or of the index of several
    digest: str = ""
    media_type: str = ""
    # of the manifest or index itself
    size_bytes: int = 0
    platforms: list[cleat.v1.common.Platform] = field(default_factory=list)


RemoteImage.FIELDS = (
    (1, "digest", "one", "string", None),
    (2, "media_type", "one", "string", None),
    (3, "size_bytes", "one", "uint64", None),
    (4, "platforms", "many", "message", lambda: cleat.v1.common.Platform),
)


@dataclass
class ImageConfig(codec.Message):
    """The part of an image's config that containers inherit."""
    env: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""
    exposed_ports: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    health_check: cleat.v1.config.HealthCheck | None = None
    shell: list[str] = field(default_factory=list)
    on_build: list[str] = field(default_factory=list)


ImageConfig.FIELDS = (
    (1, "env", "many", "string", None),
    (2, "entrypoint", "many", "string", None),
    (3, "command", "many", "string", None),
    (4, "working_dir", "one", "string", None),
    (5, "user", "one", "string", None),
    (6, "stop_signal", "one", "string", None),
    (7, "exposed_ports", "many", "string", None),
    (8, "volumes", "many", "string", None),
    (9, "labels", "map", "message", (("string", None), ("string", None))),
    (10, "health_check", "one", "message", lambda: cleat.v1.config.HealthCheck),
    (11, "shell", "many", "string", None),
    (12, "on_build", "many", "string", None),
)


@dataclass
class ImageDetails(codec.Message):
    id: str = ""
    tags: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    created_ns: int = 0
    author: str = ""
    comment: str = ""
    platform: cleat.v1.common.Platform | None = None
    size_bytes: int = 0
    config: ImageConfig | None = None
    # diff ids, lowest first
    layers: list[str] = field(default_factory=list)
    layer_driver: str = ""
    parent_id: str = ""
    last_tag_ns: int = 0
    # exactly as it came
    config_json: bytes = b""


ImageDetails.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "tags", "many", "string", None),
    (3, "digests", "many", "string", None),
    (4, "created_ns", "one", "int64", None),
    (5, "author", "one", "string", None),
    (6, "comment", "one", "string", None),
    (7, "platform", "one", "message", lambda: cleat.v1.common.Platform),
    (8, "size_bytes", "one", "uint64", None),
    (9, "config", "one", "message", lambda: ImageConfig),
    (10, "layers", "many", "string", None),
    (11, "layer_driver", "one", "string", None),
    (12, "parent_id", "one", "string", None),
    (13, "last_tag_ns", "one", "int64", None),
    (14, "config_json", "one", "bytes", None),
)


@dataclass
class ImageHistoryRequest(codec.Message):
    image: str = ""
    # NOT_FOUND when the image is for another
    platform: cleat.v1.common.Platform | None = None


ImageHistoryRequest.FIELDS = (
    (1, "image", "one", "string", None),
    (2, "platform", "one", "message", lambda: cleat.v1.common.Platform),
)


@dataclass
class ImageHistoryReply(codec.Message):
    # newest first
    entries: list[ImageHistoryReply_Entry] = field(default_factory=list)


ImageHistoryReply.FIELDS = (
    (1, "entries", "many", "message", lambda: ImageHistoryReply_Entry),
)


@dataclass
class ImageHistoryReply_Entry(codec.Message):
    # empty = unknown
    id: str = ""
    created_ns: int = 0
    created_by: str = ""
    size_bytes: int = 0
    comment: str = ""
    tags: list[str] = field(default_factory=list)
    empty_layer: bool = False


ImageHistoryReply_Entry.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "created_ns", "one", "int64", None),
    (3, "created_by", "one", "string", None),
    (4, "size_bytes", "one", "uint64", None),
    (5, "comment", "one", "string", None),
    (6, "tags", "many", "string", None),
    (7, "empty_layer", "one", "bool", None),
)


@dataclass
class TagImageRequest(codec.Message):
    image: str = ""
    # the new name
    reference: str = ""


TagImageRequest.FIELDS = (
    (1, "image", "one", "string", None),
    (2, "reference", "one", "string", None),
)


@dataclass
class TagImageReply(codec.Message):
    pass


@dataclass
class RemoveImageRequest(codec.Message):
    image: str = ""
    force: bool = False
    # keep unnamed parents
    no_prune: bool = False


RemoveImageRequest.FIELDS = (
    (1, "image", "one", "string", None),
    (2, "force", "one", "bool", None),
    (3, "no_prune", "one", "bool", None),
)


@dataclass
class RemoveImageReply(codec.Message):
    changes: list[RemoveImageReply_Change] = field(default_factory=list)


RemoveImageReply.FIELDS = (
    (1, "changes", "many", "message", lambda: RemoveImageReply_Change),
)


@dataclass
class RemoveImageReply_Change(codec.Message):
    # one of the two
    untagged: str = ""
    deleted: str = ""


RemoveImageReply_Change.FIELDS = (
    (1, "untagged", "one", "string", None),
    (2, "deleted", "one", "string", None),
)


@dataclass
class LoadImageRequest(codec.Message):
    options: LoadImageRequest_Options | None = None
    data: bytes | None = None


LoadImageRequest.FIELDS = (
    (1, "options", "oneof message", "message", lambda: LoadImageRequest_Options),
    (2, "data", "oneof message", "bytes", None),
)


@dataclass
class LoadImageRequest_Options(codec.Message):
    platform: cleat.v1.common.Platform | None = None
    # no progress
    quiet: bool = False


LoadImageRequest_Options.FIELDS = (
    (1, "platform", "one", "message", lambda: cleat.v1.common.Platform),
    (2, "quiet", "one", "bool", None),
)


@dataclass
class LoadImageReply(codec.Message):
    progress: cleat.v1.common.Progress | None = None
    # one an image
    loaded: LoadImageReply_Loaded | None = None


LoadImageReply.FIELDS = (
    (1, "progress", "oneof message", "message", lambda: cleat.v1.common.Progress),
    (2, "loaded", "oneof message", "message", lambda: LoadImageReply_Loaded),
)


@dataclass
class LoadImageReply_Loaded(codec.Message):
    image_id: str = ""
    # empty = none
    tags: list[str] = field(default_factory=list)


LoadImageReply_Loaded.FIELDS = (
    (1, "image_id", "one", "string", None),
    (2, "tags", "many", "string", None),
)


@dataclass
class SaveImagesRequest(codec.Message):
    images: list[str] = field(default_factory=list)
    platform: cleat.v1.common.Platform | None = None


SaveImagesRequest.FIELDS = (
    (1, "images", "many", "string", None),
    (2, "platform", "one", "message", lambda: cleat.v1.common.Platform),
)


@dataclass
class ImportImageRequest(codec.Message):
    options: ImportImageRequest_Options | None = None
    data: bytes | None = None


ImportImageRequest.FIELDS = (
    (1, "options", "oneof message", "message", lambda: ImportImageRequest_Options),
    (2, "data", "oneof message", "bytes", None),
)


@dataclass
class ImportImageRequest_Options(codec.Message):
    reference: str = ""
    message: str = ""
    changes: list[str] = field(default_factory=list)
    platform: cleat.v1.common.Platform | None = None
    # http or https (what has no scheme is http): read from there instead of the stream
    url: str = ""


ImportImageRequest_Options.FIELDS = (
    (1, "reference", "one", "string", None),
    (2, "message", "one", "string", None),
    (3, "changes", "many", "string", None),
    (4, "platform", "one", "message", lambda: cleat.v1.common.Platform),
    (5, "url", "one", "string", None),
)


@dataclass
class ImportImageReply(codec.Message):
    progress: cleat.v1.common.Progress | None = None
    # last message
    image_id: str | None = None


ImportImageReply.FIELDS = (
    (1, "progress", "oneof message", "message", lambda: cleat.v1.common.Progress),
    (2, "image_id", "oneof message", "string", None),
)


@dataclass
class PullImageRequest(codec.Message):
    reference: str = ""
    all_tags: bool = False
    platform: cleat.v1.common.Platform | None = None
    auth: cleat.v1.common.RegistryAuth | None = None


PullImageRequest.FIELDS = (
    (1, "reference", "one", "string", None),
    (2, "all_tags", "one", "bool", None),
    (3, "platform", "one", "message", lambda: cleat.v1.common.Platform),
    (4, "auth", "one", "message", lambda: cleat.v1.common.RegistryAuth),
)


@dataclass
class PullImageReply(codec.Message):
    progress: cleat.v1.common.Progress | None = None
    pulled: PullImageReply_Pulled | None = None


PullImageReply.FIELDS = (
    (1, "progress", "oneof message", "message", lambda: cleat.v1.common.Progress),
    (2, "pulled", "oneof message", "message", lambda: PullImageReply_Pulled),
)


@dataclass
class PullImageReply_Pulled(codec.Message):
    image_id: str = ""
    reference: str = ""
    digest: str = ""
    was_current: bool = False


PullImageReply_Pulled.FIELDS = (
    (1, "image_id", "one", "string", None),
    (2, "reference", "one", "string", None),
    (3, "digest", "one", "string", None),
    (4, "was_current", "one", "bool", None),
)


@dataclass
class PushImageRequest(codec.Message):
    reference: str = ""
    all_tags: bool = False
    auth: cleat.v1.common.RegistryAuth | None = None
    platform: cleat.v1.common.Platform | None = None


PushImageRequest.FIELDS = (
    (1, "reference", "one", "string", None),
    (2, "all_tags", "one", "bool", None),
    (3, "auth", "one", "message", lambda: cleat.v1.common.RegistryAuth),
    (4, "platform", "one", "message", lambda: cleat.v1.common.Platform),
)


@dataclass
class PushImageReply(codec.Message):
    progress: cleat.v1.common.Progress | None = None
    pushed: PushImageReply_Pushed | None = None


PushImageReply.FIELDS = (
    (1, "progress", "oneof message", "message", lambda: cleat.v1.common.Progress),
    (2, "pushed", "oneof message", "message", lambda: PushImageReply_Pushed),
)


@dataclass
class PushImageReply_Pushed(codec.Message):
    reference: str = ""
    digest: str = ""
    size_bytes: int = 0


PushImageReply_Pushed.FIELDS = (
    (1, "reference", "one", "string", None),
    (2, "digest", "one", "string", None),
    (3, "size_bytes", "one", "uint64", None),
)


@dataclass
class BuildRequest(codec.Message):
    options: BuildRequest_Options | None = None
    data: bytes | None = None
    listing: BuildRequest_ContextListing | None = None
    contents: BuildRequest_ContextContents | None = None


BuildRequest.FIELDS = (
    (1, "options", "oneof message", "message", lambda: BuildRequest_Options),
    (2, "data", "oneof message", "bytes", None),
    (3, "listing", "oneof message", "message", lambda: BuildRequest_ContextListing),
    (4, "contents", "oneof message", "message", lambda: BuildRequest_ContextContents),
)


@dataclass
class BuildRequest_Secret(codec.Message):
    id: str = ""
    value: bytes = b""


BuildRequest_Secret.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "value", "one", "bytes", None),
)


@dataclass
class BuildRequest_Options(codec.Message):
    tags: list[str] = field(default_factory=list)
    # path in the context; empty = Dockerfile
    dockerfile: str = ""
    target: str = ""
    # empty list = take it from the engine's environment
    build_args: dict[str, cleat.v1.config.StringList] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    no_cache: bool = False
    pull: bool = False
    cache_from: list[str] = field(default_factory=list)
    network_mode: str = ""
    extra_hosts: list[str] = field(default_factory=list)
    platform: cleat.v1.common.Platform | None = None
    resources: cleat.v1.config.Resources | None = None
    shm_size_bytes: int = 0
    ulimits: list[cleat.v1.config.Ulimit] = field(default_factory=list)
    secrets: list[BuildRequest_Secret] = field(default_factory=list)
    auths: list[cleat.v1.common.RegistryAuth] = field(default_factory=list)
    # URL of the context
    remote: str = ""
    squash: bool = False
    # since 1970, to 2262
    timestamp_seconds: int | None = None
    quiet: bool = False
    # instead of a file of the context
    dockerfile_text: bytes = b""
    # the context comes as a listing; needs dockerfile_text
    listed: bool = False


BuildRequest_Options.FIELDS = (
    (1, "tags", "many", "string", None),
    (2, "dockerfile", "one", "string", None),
    (3, "target", "one", "string", None),
    (4, "build_args", "map", "message", (("string", None), ("message", lambda: cleat.v1.config.StringList))),
    (5, "labels", "map", "message", (("string", None), ("string", None))),
    (6, "no_cache", "one", "bool", None),
    (7, "pull", "one", "bool", None),
    (8, "cache_from", "many", "string", None),
    (9, "network_mode", "one", "string", None),
    (10, "extra_hosts", "many", "string", None),
    (11, "platform", "one", "message", lambda: cleat.v1.common.Platform),
    (12, "resources", "one", "message", lambda: cleat.v1.config.Resources),
    (13, "shm_size_bytes", "one", "uint64", None),
    (14, "ulimits", "many", "message", lambda: cleat.v1.config.Ulimit),
    (15, "secrets", "many", "message", lambda: BuildRequest_Secret),
    (16, "auths", "many", "message", lambda: cleat.v1.common.RegistryAuth),
    (17, "remote", "one", "string", None),
    (18, "squash", "one", "bool", None),
    (19, "timestamp_seconds", "oneof reproducible", "int64", None),
    (20, "quiet", "one", "bool", None),
    (21, "dockerfile_text", "one", "bytes", None),
    (22, "listed", "one", "bool", None),
)


@dataclass
class BuildRequest_ContextFile(codec.Message):
    """A file of the context. Files are root's; devices and sockets are no part of a context."""
    # relative to the context, without "." and ".."; any bytes but NUL
    path: bytes = b""
    # type and permissions, as in st_mode
    mode: int = 0
    mtime_ns: int = 0
    # of the contents, 32 bytes; regular files only
    sha256: bytes = b""
    # symbolic links only
    target: bytes = b""


BuildRequest_ContextFile.FIELDS = (
    (1, "path", "one", "bytes", None),
    (2, "mode", "one", "uint32", None),
    (3, "mtime_ns", "one", "int64", None),
    (4, "sha256", "one", "bytes", None),
    (5, "target", "one", "bytes", None),
)


@dataclass
class BuildRequest_ContextListing(codec.Message):
    # a directory before what is in it
    files: list[BuildRequest_ContextFile] = field(default_factory=list)
    # that was all
    end: bool = False


BuildRequest_ContextListing.FIELDS = (
    (1, "files", "many", "message", lambda: BuildRequest_ContextFile),
    (2, "end", "one", "bool", None),
)


@dataclass
class BuildRequest_ContextContents(codec.Message):
    """The next bytes of the file asked for. When they are not what the listing said, as the file was changed
    meanwhile, the build goes on with what came, and forgets what it made of them."""
    data: bytes = b""
    # the file is whole
    end: bool = False


BuildRequest_ContextContents.FIELDS = (
    (1, "data", "one", "bytes", None),
    (2, "end", "one", "bool", None),
)


@dataclass
class BuildReply(codec.Message):
    progress: cleat.v1.common.Progress | None = None
    output: BuildReply_Output | None = None
    # last message
    image_id: str | None = None
    wanted: BuildReply_ContextWanted | None = None


BuildReply.FIELDS = (
    (1, "progress", "oneof message", "message", lambda: cleat.v1.common.Progress),
    (2, "output", "oneof message", "message", lambda: BuildReply_Output),
    (3, "image_id", "oneof message", "string", None),
    (4, "wanted", "oneof message", "message", lambda: BuildReply_ContextWanted),
)


@dataclass
class BuildReply_Output(codec.Message):
    step: str = ""
    stream: cleat.v1.common.OutputStream | int = 0
    data: bytes = b""


BuildReply_Output.FIELDS = (
    (1, "step", "one", "string", None),
    (2, "stream", "one", "enum", lambda: cleat.v1.common.OutputStream),
    (3, "data", "one", "bytes", None),
)


@dataclass
class BuildReply_ContextWanted(codec.Message):
    """Files of a listed context whose contents are to be sent, in this order."""
    # as they were listed
    paths: list[bytes] = field(default_factory=list)


BuildReply_ContextWanted.FIELDS = (
    (1, "paths", "many", "bytes", None),
)


@dataclass
class PruneImagesRequest(codec.Message):
    # dangling until label
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


PruneImagesRequest.FIELDS = (
    (1, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class PruneImagesReply(codec.Message):
    changes: list[RemoveImageReply_Change] = field(default_factory=list)
    reclaimed_bytes: int = 0


PruneImagesReply.FIELDS = (
    (1, "changes", "many", "message", lambda: RemoveImageReply_Change),
    (2, "reclaimed_bytes", "one", "uint64", None),
)


@dataclass
class PruneBuildCacheRequest(codec.Message):
    all: bool = False
    # what was used last stays, up to so much; 0 = nothing has to
    keep_bytes: int = 0
    # until
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


PruneBuildCacheRequest.FIELDS = (
    (1, "all", "one", "bool", None),
    (2, "keep_bytes", "one", "uint64", None),
    (3, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class PruneBuildCacheReply(codec.Message):
    ids: list[str] = field(default_factory=list)
    reclaimed_bytes: int = 0


PruneBuildCacheReply.FIELDS = (
    (1, "ids", "many", "string", None),
    (2, "reclaimed_bytes", "one", "uint64", None),
)


@dataclass
class SearchImagesRequest(codec.Message):
    term: str = ""
    # 1 to 100; 0 = 25
    limit: int = 0
    # is-official stars (at least so many)
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)
    auth: cleat.v1.common.RegistryAuth | None = None


SearchImagesRequest.FIELDS = (
    (1, "term", "one", "string", None),
    (2, "limit", "one", "uint32", None),
    (3, "filters", "many", "message", lambda: cleat.v1.common.Filter),
    (4, "auth", "one", "message", lambda: cleat.v1.common.RegistryAuth),
)


@dataclass
class SearchImagesReply(codec.Message):
    results: list[SearchImagesReply_Result] = field(default_factory=list)


SearchImagesReply.FIELDS = (
    (1, "results", "many", "message", lambda: SearchImagesReply_Result),
)


@dataclass
class SearchImagesReply_Result(codec.Message):
    name: str = ""
    description: str = ""
    stars: int = 0
    official: bool = False


SearchImagesReply_Result.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "description", "one", "string", None),
    (3, "stars", "one", "uint32", None),
    (4, "official", "one", "bool", None),
)


class Images:
    """An image is named by a reference (name[:tag][@digest], normalised as Docker does it), its id
    (sha256:…) or a unique prefix of the id's digits. Errors: NOT_FOUND, reason IMAGE_NOT_FOUND;
    INVALID_ARGUMENT for a bad reference."""

    METHODS = {
        "List": transport.Method("cleat.v1.Images/List", lambda: ListImagesReply,
            role=1, idempotent=True, no_side_effects=True),
        "Inspect": transport.Method("cleat.v1.Images/Inspect", lambda: ImageDetails,
            role=1, idempotent=True, no_side_effects=True),
        "InspectRemote": transport.Method("cleat.v1.Images/InspectRemote", lambda: RemoteImage,
            role=3, idempotent=True, no_side_effects=True),
        "History": transport.Method("cleat.v1.Images/History", lambda: ImageHistoryReply,
            role=1, idempotent=True, no_side_effects=True),
        "Tag": transport.Method("cleat.v1.Images/Tag", lambda: TagImageReply,
            role=3, idempotent=False, no_side_effects=False),
        "Remove": transport.Method("cleat.v1.Images/Remove", lambda: RemoveImageReply,
            role=3, idempotent=False, no_side_effects=False),
        "Load": transport.Method("cleat.v1.Images/Load", lambda: LoadImageReply,
            role=3, idempotent=False, no_side_effects=False),
        "Save": transport.Method("cleat.v1.Images/Save", lambda: cleat.v1.common.Chunk,
            role=3, idempotent=True, no_side_effects=True),
        "Import": transport.Method("cleat.v1.Images/Import", lambda: ImportImageReply,
            role=3, idempotent=False, no_side_effects=False),
        "Pull": transport.Method("cleat.v1.Images/Pull", lambda: PullImageReply,
            role=3, idempotent=False, no_side_effects=False),
        "Push": transport.Method("cleat.v1.Images/Push", lambda: PushImageReply,
            role=3, idempotent=False, no_side_effects=False),
        "Build": transport.Method("cleat.v1.Images/Build", lambda: BuildReply,
            role=3, idempotent=False, no_side_effects=False),
        "Prune": transport.Method("cleat.v1.Images/Prune", lambda: PruneImagesReply,
            role=3, idempotent=False, no_side_effects=False),
        "PruneBuildCache": transport.Method("cleat.v1.Images/PruneBuildCache", lambda: PruneBuildCacheReply,
            role=3, idempotent=False, no_side_effects=False),
        "Search": transport.Method("cleat.v1.Images/Search", lambda: SearchImagesReply,
            role=1, idempotent=True, no_side_effects=True),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def list(self, request: ListImagesRequest, **options: Unpack[transport.Options]) -> ListImagesReply:
        return self._client.unary(self.METHODS["List"], request, options)

    def inspect(self, request: InspectImageRequest, **options: Unpack[transport.Options]) -> ImageDetails:
        return self._client.unary(self.METHODS["Inspect"], request, options)

    def inspect_remote(self, request: InspectRemoteImageRequest, **options: Unpack[transport.Options]) -> RemoteImage:
        """What a registry has under a name, without taking it. Errors: NOT_FOUND; UNAUTHENTICATED;
        INVALID_ARGUMENT for what is no image."""
        return self._client.unary(self.METHODS["InspectRemote"], request, options)

    def history(self, request: ImageHistoryRequest, **options: Unpack[transport.Options]) -> ImageHistoryReply:
        return self._client.unary(self.METHODS["History"], request, options)

    def tag(self, request: TagImageRequest, **options: Unpack[transport.Options]) -> TagImageReply:
        return self._client.unary(self.METHODS["Tag"], request, options)

    def remove(self, request: RemoveImageRequest, **options: Unpack[transport.Options]) -> RemoveImageReply:
        """Removes a name, and the image with its last name. Errors: FAILED_PRECONDITION, reason IMAGE_IN_USE."""
        return self._client.unary(self.METHODS["Remove"], request, options)

    def load(self, **options: Unpack[transport.Options]) -> transport.Bidi[LoadImageRequest, LoadImageReply]:
        """Reads a `docker save` or OCI archive, plain or compressed. Nothing is visible before all of an
        image was verified. The first message of the client is `options`."""
        return self._client.bidi(self.METHODS["Load"], options)

    def save(self, request: SaveImagesRequest, **options: Unpack[transport.Options]) -> transport.Receiver[cleat.v1.common.Chunk]:
        """Writes images as a `docker save` archive that is an OCI layout too."""
        return self._client.server_stream(self.METHODS["Save"], request, options)

    def import_(self, **options: Unpack[transport.Options]) -> transport.Bidi[ImportImageRequest, ImportImageReply]:
        """Makes an image of one layer from a tar of a root filesystem."""
        return self._client.bidi(self.METHODS["Import"], options)

    def pull(self, request: PullImageRequest, **options: Unpack[transport.Options]) -> transport.Receiver[PullImageReply]:
        return self._client.server_stream(self.METHODS["Pull"], request, options)

    def push(self, request: PushImageRequest, **options: Unpack[transport.Options]) -> transport.Receiver[PushImageReply]:
        return self._client.server_stream(self.METHODS["Push"], request, options)

    def build(self, **options: Unpack[transport.Options]) -> transport.Bidi[BuildRequest, BuildReply]:
        """Builds an image. The first message of the client is `options`. Then comes the context: as a tar in `data`,
        or, with options.listed, as a listing of its files, the last one with `end`. Of a listed context the engine
        asks (`wanted`) for what it does not have and the build needs, and the client answers with `contents`; the
        client's side of the stream stays open until the image's id has come."""
        return self._client.bidi(self.METHODS["Build"], options)

    def prune(self, request: PruneImagesRequest, **options: Unpack[transport.Options]) -> PruneImagesReply:
        return self._client.unary(self.METHODS["Prune"], request, options)

    def prune_build_cache(self, request: PruneBuildCacheRequest, **options: Unpack[transport.Options]) -> PruneBuildCacheReply:
        return self._client.unary(self.METHODS["PruneBuildCache"], request, options)

    def search(self, request: SearchImagesRequest, **options: Unpack[transport.Options]) -> SearchImagesReply:
        """Asks the registry that the term begins with ("host:port/word"), or Docker's hub. Errors: UNAUTHENTICATED;
        INVALID_ARGUMENT for a limit or filter that is none."""
        return self._client.unary(self.METHODS["Search"], request, options)


__all__ = [
    "ListImagesRequest",
    "ListImagesReply",
    "ImageSummary",
    "InspectImageRequest",
    "InspectRemoteImageRequest",
    "RemoteImage",
    "ImageConfig",
    "ImageDetails",
    "ImageHistoryRequest",
    "ImageHistoryReply",
    "ImageHistoryReply_Entry",
    "TagImageRequest",
    "TagImageReply",
    "RemoveImageRequest",
    "RemoveImageReply",
    "RemoveImageReply_Change",
    "LoadImageRequest",
    "LoadImageRequest_Options",
    "LoadImageReply",
    "LoadImageReply_Loaded",
    "SaveImagesRequest",
    "ImportImageRequest",
    "ImportImageRequest_Options",
    "ImportImageReply",
    "PullImageRequest",
    "PullImageReply",
    "PullImageReply_Pulled",
    "PushImageRequest",
    "PushImageReply",
    "PushImageReply_Pushed",
    "BuildRequest",
    "BuildRequest_Secret",
    "BuildRequest_Options",
    "BuildRequest_ContextFile",
    "BuildRequest_ContextListing",
    "BuildRequest_ContextContents",
    "BuildReply",
    "BuildReply_Output",
    "BuildReply_ContextWanted",
    "PruneImagesRequest",
    "PruneImagesReply",
    "PruneBuildCacheRequest",
    "PruneBuildCacheReply",
    "SearchImagesRequest",
    "SearchImagesReply",
    "SearchImagesReply_Result",
    "Images",
]
