// Browsers refuse workers to pages that are files: there the search runs in a hidden frame instead.
// The name is the one that the theme's search looks for.
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inner = frame.contentWindow;
      this.inner.postMessage = data => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      const script = frame.contentDocument.createElement("script");
      script.src = new URL(url, location.href);
      this.loaded = new Promise(done => { script.onload = done; });
      frame.contentDocument.body.appendChild(script);
    }
    postMessage(data) {
      this.loaded.then(() =>
        this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data })));
    }
    terminate() { this.inner.frameElement.remove(); }
  };
}
