"""All handlers of actions in one value, which the rows of the action table call into."""

from dataclasses import dataclass

from app.commands_classes import ClassCommands
from app.commands_edit import EditCommands
from app.commands_file import FileCommands
from app.commands_help import HelpCommands
from app.commands_playback import PlaybackCommands
from app.commands_run import RunCommands
from app.commands_selection import SelectionCommands
from app.commands_tools import ToolCommands
from app.commands_tracks import TrackCommands
from app.commands_view import ViewCommands


@dataclass(frozen=True)
class Commands:
    """Handlers by what they are about."""

    file: FileCommands
    edit: EditCommands
    view: ViewCommands
    playback: PlaybackCommands
    selection: SelectionCommands
    tools: ToolCommands
    tracks: TrackCommands
    classes: ClassCommands
    run: RunCommands
    help: HelpCommands
