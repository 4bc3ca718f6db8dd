"""A wire between browser and server that can be cut: Chromium's own offline mode leaves open connections alone."""

import socket
import threading
from contextlib import suppress

from tests.ports import free_port


class Wire:
    """Passes on whatever comes to ``port`` of this machine to ``target``, another one of its ports, and back."""

    def __init__(self, target: int):
        self.target, self.port = target, free_port()
        self._whole, self._ends = True, set()
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks, and new ones do at once."""
        self._whole = False
        for end in list(self._ends):
            self._break(end)

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        self.cut()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listening.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
                self._ends |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # the other end is gone
            while data := source.recv(1 << 16):
                sink.sendall(data)
        self._break(sink)

    def _break(self, end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
        self._ends.discard(end)
