// The live connection. Browsers allow six connections to one address, and every tab holds one; so a tab that nobody sees lets go of its
// own and catches up when it is looked at again. The server tells by the last event's id what has been missed.

export function listen({ room, change, alive }) {
  let source = null;
  let last = "";
  let again = 0;

  function open() {
    clearTimeout(again);
    if (source || document.hidden) return;
    source = new EventSource("api/events" + (last ? "?last=" + encodeURIComponent(last) : ""));
    source.addEventListener("room", (e) => room(JSON.parse(e.data)));
    source.addEventListener("change", (e) => {
      last = e.lastEventId || last;
      change(JSON.parse(e.data));
    });
    source.addEventListener("open", () => alive(true));
    source.addEventListener("error", () => {
      alive(false);
      // A connection that merely broke is taken up by the browser itself; one that was refused is not.
      if (source && source.readyState === EventSource.CLOSED) {
        close();
        again = setTimeout(open, 1500);
      }
    });
  }

  function close() {
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
}
