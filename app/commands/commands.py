"""All handlers of actions in one value, which the rows of the action table call into."""

from dataclasses import dataclass

from app.commands.classes import ClassCommands
from app.commands.comparison import ComparisonCommands
from app.commands.edit import EditCommands
from app.commands.exports import ExportCommands
from app.commands.file import FileCommands
from app.commands.follow import FollowCommands
from app.commands.help import HelpCommands
from app.commands.identities import IdentityCommands
from app.commands.notes import NoteCommands
from app.commands.playback import PlaybackCommands
from app.commands.preview import PreviewCommands
from app.commands.review import ReviewCommands
from app.commands.run import RunCommands
from app.commands.selection import SelectionCommands
from app.commands.tools import ToolCommands
from app.commands.tracks import TrackCommands
from app.commands.training import TrainingCommands
from app.commands.view import ViewCommands


@dataclass(frozen=True)
class Commands:
    """Handlers by what they are about."""

    file: FileCommands
    exports: ExportCommands
    edit: EditCommands
    view: ViewCommands
    playback: PlaybackCommands
    selection: SelectionCommands
    tools: ToolCommands
    tracks: TrackCommands
    follow: FollowCommands
    classes: ClassCommands
    identities: IdentityCommands
    preview: PreviewCommands
    comparison: ComparisonCommands
    review: ReviewCommands
    notes: NoteCommands
    run: RunCommands
    training: TrainingCommands
    help: HelpCommands
