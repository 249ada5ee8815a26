"""What can go wrong with a user's input. Every message says what, where, and what to do, in one sentence."""


class VisoloError(Exception):
    """Bad input or a missing resource; safe to show to a person as it is."""


class MediaError(VisoloError):
    """A video or image cannot be read."""


class AnnotationError(VisoloError):
    """A JSON file, an RLE or a label set is not what it should be."""


class WeightsError(VisoloError):
    """A checkpoint cannot be loaded into the network."""


class ConfigError(VisoloError):
    """A preset or an option has an unknown name or an impossible value."""


class DeviceError(VisoloError):
    """The asked-for compute device is not there or ran out of memory."""


class OutputError(VisoloError):
    """A file cannot be written."""


class ProjectError(VisoloError):
    """A project file cannot be opened or changed."""


class NothingThereError(VisoloError):
    """The network sees no object where it was told to look."""


class DivergedError(VisoloError):
    """The loss of a training run is no longer a number."""


class PeerFailed(VisoloError):  # noqa: N818 - no fault of this process
    """Another of the processes that work together failed, and says why itself."""
