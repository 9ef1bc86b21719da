// One utterance over /v1/realtime: sound goes up as it is spoken, the text comes down as it is heard.

import type { Transcription } from "../types";

export type Ending = "release" | "silence"; // who ends what is said: the one who lets go of the button, or the silence after it

export interface Hears {
  partly: (text: string) => void;
  heard: (answer: Transcription) => void;
  failed: (message: string, code: string) => void;
}

interface Event {
  type: string;
  partial?: string;
  answer?: Transcription;
  error?: { message: string; code: string };
}

const COMPLETED = "conversation.item.input_audio_transcription.completed";
const DELTA = "conversation.item.input_audio_transcription.delta";

export class Conversation {
  private held: string[] = []; // messages from before the server was ready for them
  private ready = false;
  private begun = false;
  private over = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly hears: Hears,
  ) {
    socket.onmessage = ({ data }: MessageEvent<string>) => this.take(JSON.parse(data) as Event);
    socket.onclose = ({ reason }) => this.fail(reason || "The server does not answer. Is `aisle serve` still running?", "closed");
  }

  /** How sound comes and who ends it; nothing is sent before this is known. */
  begin(rate: number, ending: Ending): void {
    const input = {
      format: { type: "audio/pcm", rate },
      turn_detection: ending === "silence" ? { type: "server_vad", silence_duration_ms: 700 } : null,
    };
    this.held.unshift(JSON.stringify({ type: "session.update", session: { type: "transcription", audio: { input } } }));
    this.begun = true;
    this.flush();
  }

  say(sound: Int16Array): void {
    this.send({ type: "input_audio_buffer.append", audio: base64(sound) });
  }

  /** That was all; the answer follows. */
  end(): void {
    this.send({ type: "input_audio_buffer.commit" });
  }

  close(): void {
    this.over = true;
    this.socket.close(1000);
  }

  private send(event: object): void {
    if (this.over) return;
    this.held.push(JSON.stringify(event));
    if (this.begun) this.flush();
  }

  private flush(): void {
    if (!this.ready) return;
    for (const message of this.held.splice(0)) this.socket.send(message);
  }

  private take(event: Event): void {
    if (event.type === "session.created") {
      this.ready = true;
      if (this.begun) this.flush();
    } else if (event.type === DELTA) this.hears.partly(event.partial ?? "");
    else if (event.type === COMPLETED && event.answer) {
      this.close();
      this.hears.heard(event.answer);
    } else if (event.type === "error") this.fail(event.error?.message ?? "Something went wrong.", event.error?.code ?? "error");
  }

  private fail(message: string, code: string): void {
    if (this.over) return;
    this.close();
    this.hears.failed(message, code);
  }
}

function base64(sound: Int16Array): string {
  const bytes = new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
