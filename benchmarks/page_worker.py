"""The worker of an exported page, started by hand in a browser: for the benchmark and for tests."""

START = """async (kernel) => {
  const text = (id) => document.getElementById(id).textContent.trim();
  const bytesOf = (id) => Uint8Array.from(atob(text(id)), (letter) => letter.charCodeAt(0));
  const unzipped = async (bytes) => {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const url = URL.createObjectURL(new Blob([await unzipped(bytesOf("worker"))], { type: "text/javascript" }));
  window.worker = new Worker(url);
  const bytes = await unzipped(bytesOf("model"));
  const first = new Promise((resolve) => (window.worker.onmessage = ({ data }) => resolve(data)));
  window.worker.postMessage({ header: JSON.parse(text("header")), bytes, kernel: kernel ? bytesOf("kernel") : null });
  return Boolean((await first).ready);
}"""
"""Takes whether the worker has the kernel; leaves it as `window.worker` and says whether it is ready."""
