// Listening, from the press of the button to the text: what state it is in, how loud it is, what was heard so far.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useShop } from "../hooks";
import type { Transcription } from "../types";
import { Conversation } from "./conversation";
import { obstacle, openMicrophone, type Block, type Microphone } from "./microphone";

export type State = "idle" | "opening" | "listening" | "thinking";

export interface Voice {
  state: State;
  level: number;
  partial: string;
  problem: string;
  press: () => void;
  release: () => void;
}

const TAP = 350; // milliseconds: a shorter press is a tap, and the silence ends what is said
const LONGEST = 15_000; // milliseconds of one utterance

interface Take {
  conversation: Conversation;
  microphone: Microphone | null;
  begun: boolean; // who ends it is known
  released: boolean;
  timers: number[];
}

export function useVoice(onHeard: (answer: Transcription) => void): Voice {
  const { api } = useShop();
  const [state, setState] = useState<State>("idle");
  const [level, setLevel] = useState(0);
  const [partial, setPartial] = useState("");
  const [problem, setProblem] = useState("");
  const take = useRef<Take | null>(null);
  const latest = useRef(onHeard);
  latest.current = onHeard;

  const finish = useCallback((message = "") => {
    const now = take.current;
    take.current = null;
    now?.timers.forEach(clearTimeout);
    now?.microphone?.close();
    now?.conversation.close();
    setState("idle");
    setLevel(0);
    setProblem(message);
  }, []);
  useEffect(() => () => finish(), [finish]);

  const stop = useCallback(() => {
    const now = take.current;
    if (!now) return;
    now.microphone?.close();
    setLevel(0);
    setState("thinking");
    now.conversation.end();
  }, []);

  const press = useCallback(() => {
    if (take.current) return stop(); // a second tap ends what is said
    setProblem("");
    setPartial("");
    setState("opening");
    const conversation = new Conversation(api.socket("/v1/realtime?intent=transcription"), {
      partly: setPartial,
      heard: (answer) => {
        finish(answer.text ? "" : `Nothing was understood: ${answer.reason ?? "no speech was found"}.`);
        latest.current(answer);
      },
      failed: finish,
    });
    const now: Take = { conversation, microphone: null, begun: false, released: false, timers: [] };
    take.current = now;
    const onBlock = ({ sound, level: loudness }: Block): void => {
      if (take.current !== now) return;
      now.conversation.say(sound);
      setLevel(loudness);
    };
    openMicrophone(onBlock).then(
      (microphone) => {
        if (take.current !== now) return microphone.close();
        now.microphone = microphone;
        setState("listening");
        const hold = window.setTimeout(() => begin(now, microphone.rate), now.released ? 0 : TAP);
        now.timers.push(hold, window.setTimeout(stop, LONGEST));
      },
      (error: unknown) => take.current === now && finish(obstacle(error)),
    );
  }, [api, finish, stop]);

  const release = useCallback(() => {
    const now = take.current;
    if (!now || now.released) return;
    now.released = true;
    if (now.begun) stop(); // it was held
    else if (now.microphone) begin(now, now.microphone.rate);
  }, [stop]);

  return { state, level, partial, problem, press, release };
}

/** Now it is known whether the button is held or was tapped. */
function begin(now: Take, rate: number): void {
  if (now.begun) return;
  now.begun = true;
  now.conversation.begin(rate, now.released ? "silence" : "release");
}
