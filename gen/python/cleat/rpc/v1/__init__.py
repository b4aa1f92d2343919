# generated, do not edit

from .rpc import *  # noqa: F401,F403
