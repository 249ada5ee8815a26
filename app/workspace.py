"""Everything behind the window: session, media, player, canvas, model, handlers; made and wired in one place."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.action_registry import ActionRegistry
from app.actions import all_rows
from app.canvas.canvas_controller import CanvasController
from app.commands.classes import ClassCommands
from app.commands.commands import Commands
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
from app.opening import Opener
from app.session import Session
from app.settings import FRAME_CACHE_MB, Settings
from app.video.frame_cache import FrameCache
from app.video.media_loader import MediaLoader
from app.video.player import Player
from app.workers.identities import IdentitySearch
from app.workers.inference import InferenceControl
from app.workers.reassociation import ReassociationSearch
from app.workers.run_comparison import RunComparisonSearch
from app.workers.suspicion_counts import SuspicionCounts
from app.workers.suspicions import SuspicionSearch
from app.workers.task import TaskQueue
from app.workers.thresholds import ThresholdSearch
from app.workers.training import TrainingControl


class Workspace(QObject):
    """The parts of one window, without the window."""

    def __init__(self, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self.settings = settings
        self.session = Session(self)
        self.tasks = TaskQueue(self)
        self.cache = FrameCache(settings.get(FRAME_CACHE_MB) * 2**20, self)
        self.loader = MediaLoader(self.session, self.cache, self.tasks, self)
        self.opener = Opener(self.session, self.loader, self.tasks, settings, self)
        self.player = Player(self.session, self.cache, self)
        self.canvas = CanvasController(self.session, self.cache, self)
        self.inference = InferenceControl(self.session, settings, self)
        self.canvas.follow.box_drawn.connect(self.inference.following.follow_box)
        self.search = SuspicionSearch(self.session, self)
        self.counts = SuspicionCounts(self.session, self)
        self.identity_search = IdentitySearch(self.session, self)
        self.reassociation = ReassociationSearch(self.session, settings, self)
        self.run_comparison = RunComparisonSearch(self.session, self)
        self.thresholds = ThresholdSearch(self.session, self)
        self.training = TrainingControl(self)
        self.opener.before_close = self.inference.end_run
        self.loader.ready.connect(self._take_media)
        self.commands = self._make_commands(window)
        self.actions = ActionRegistry(all_rows(), self.commands, self.session, window)
        self.actions.refused.connect(self.session.refused)
        self.actions.set_keys(settings.shortcuts())
        self.commands.help.actions = self.actions

    def close(self) -> None:
        """Stop every worker, end the run and let go of the project."""
        self.player.pause()
        self.opener.close_project()
        self.inference.close()
        self.search.close()
        self.counts.close()
        self.identity_search.close()
        self.reassociation.close()
        self.thresholds.close()
        self.run_comparison.close()
        self.training.close()
        self.tasks.close()
        self.cache.close()

    def _take_media(self) -> None:
        self.player.set_times(self.loader.times)
        self.canvas.media_ready()

    def _make_commands(self, window: QWidget) -> Commands:
        session, settings = self.session, self.settings
        return Commands(
            file=FileCommands(session, self.opener, settings, window),
            exports=ExportCommands(session, window),
            edit=EditCommands(session, settings, window),
            view=ViewCommands(self.canvas, session.colors, settings, window),
            playback=PlaybackCommands(session, self.player, settings, window),
            selection=SelectionCommands(session, self),
            tools=ToolCommands(session, self.canvas, self),
            tracks=TrackCommands(session, window),
            follow=FollowCommands(session, self.inference.following, settings, self),
            classes=ClassCommands(session, window),
            identities=IdentityCommands(session, window),
            preview=PreviewCommands(session, self.reassociation, settings, self),
            comparison=ComparisonCommands(session, self.run_comparison, window),
            review=ReviewCommands(session, settings, window),
            notes=NoteCommands(session, window),
            run=RunCommands(session, self.inference, settings, window),
            training=TrainingCommands(session, self.training, self.inference, settings, window),
            help=HelpCommands(settings, window),
        )
