# generated, do not edit

from .common import *  # noqa: F401,F403
from .config import *  # noqa: F401,F403
from .containers import *  # noqa: F401,F403
from .exec import *  # noqa: F401,F403
from .images import *  # noqa: F401,F403
from .networks import *  # noqa: F401,F403
from .options import *  # noqa: F401,F403
from .system import *  # noqa: F401,F403
from .volumes import *  # noqa: F401,F403
