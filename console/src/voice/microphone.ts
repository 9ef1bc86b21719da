// The microphone: asks for it, hands on its sound in blocks, and lets go of it, so that the browser's light goes out.

import tap from "./tap.worklet.ts?worker&url";

export interface Block {
  sound: Int16Array<ArrayBuffer>; // one channel
  level: number; // root mean square, 1 is full scale
}

export interface Microphone {
  rate: number; // samples per second
  close: () => void;
}

/** Raises DOMException where there is none, or it may not be used. */
export async function openMicrophone(onBlock: (block: Block) => void): Promise<Microphone> {
  if (!navigator.mediaDevices) throw new DOMException("not a secure page", "SecurityError");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
  const context = new AudioContext();
  const close = (): void => {
    for (const track of stream.getTracks()) track.stop();
    if (context.state !== "closed") void context.close();
  };
  try {
    await context.audioWorklet.addModule(tap);
    const node = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }: MessageEvent<Block>) => onBlock(data);
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    return { rate: context.sampleRate, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What is in the way, and what helps. */
export function obstacle(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError")
    return "The microphone may not be used here. Allow it in the browser's address bar, or type what you would say.";
  if (name === "NotFoundError") return "There is no microphone. Connect one, or type what you would say.";
  if (name === "SecurityError")
    return "Browsers give the microphone only to pages from this machine or over https. Type what you would say.";
  if (name === "NotReadableError") return "Another program holds the microphone. Close it, or type what you would say.";
  return "The microphone could not be opened. Type what you would say.";
}
