# generated, do not edit

from .small import *  # noqa: F401,F403
