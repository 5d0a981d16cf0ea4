// Memory given back at once: what lies outside the heap is else kept until a collection, which a thread that does little puts off.

/** The bytes cannot be read any more. Those that share their memory with others are left to the collector. */
export function letGo({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !buffer.detached) buffer.transfer(0);
}
