"""The recording session that the dashboard starts and stops. Loaded with the first one."""

from ..port import const
from .message import refused, text_in
from .streams import stream_of

_ID = const(128)
_NAME = const(256)
_SHOWN = const(40)


class Recording:
    """The session that records, if it was started here: one that the program has is left alone."""

    def __init__(self, px, live):
        self._px = px
        self._live = live
        self._session = None
        self._stream_id = None

    @property
    def session_id(self):
        """None if there is none."""
        return self._session and self._session.session_id

    def about(self):
        """What the server is told of it (dict)."""
        about = {"session_id": self._session.session_id}
        if self._session.name is not None:
            about["session_name"] = self._session.name
        return about

    def start(self, fields, stream_id):
        """Begin, with a stream of that id; the same session again only renews the stream."""
        px = self._px
        session_id = text_in(fields, "session_id", _ID)
        name = None
        if fields.get("session_name") is not None:
            name = text_in(fields, "session_name", _NAME, 0) or None
        stream = stream_of(fields, stream_id, True)
        if self._session and session_id == self.session_id:
            self._live.start(stream)
            return
        if px.session_id is not None:
            remedy = "stop_session it" if self._session else "the device's program has to end it"
            raise ValueError("session_id: %r is open; %s first" % (px.session_id[:_SHOWN], remedy))
        session = px.session(session_id, name)
        self._live.start(stream)
        try:
            session.start()
        except (ValueError, MemoryError):
            self._live.stop(stream_id)
            raise
        self._session = session
        self._stream_id = stream_id

    def stop(self, fields):
        """End it; returns its id."""
        session_id = self.session_id
        if fields.get("session_id") is not None:
            session_id = text_in(fields, "session_id", _ID)
        if not self._session or session_id != self.session_id:
            raise refused("session_id", session_id, "that of a session that was started here")
        self._session.end()
        self._end()
        return session_id

    def forget_if_ended(self):
        """The id, if the program has ended it since; then there is none any more."""
        session_id = self.session_id
        if session_id is None or session_id == self._px.session_id:
            return None
        self._end()
        return session_id

    def _end(self):
        self._live.stop(self._stream_id)
        self._session = None
