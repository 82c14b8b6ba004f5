"""Read ahead: a thread runs an iterator while its last items are still being worked on."""

import contextlib
import queue
import threading
from collections.abc import Iterator

ITEMS_AHEAD = 2  # enough to keep the model busy; an item is a group of captions (5 MB) or a batch of images (40 MB)


def ahead(items: Iterator) -> Iterator:
    """The items of an iterator that a thread runs up to ITEMS_AHEAD ahead; its errors are raised here.

    Close it (contextlib.closing) so that the thread ends when the reader leaves early.
    """
    ready, stop = queue.Queue(ITEMS_AHEAD), threading.Event()
    end = object()

    def put(item) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return True
        return False

    def run():
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((end, None))
        except BaseException as error:  # noqa: BLE001 - handed over, whatever it is
            put((end, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error:
                raise error
            if item is end:
                return
            yield item
    finally:
        stop.set()
        thread.join()
