// Talk to the shop: hold the button, watch the text appear, correct it, and see what the shop finds.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useShop } from "../hooks";
import { Card, Command, Empty } from "../parts/basics";
import { Icon } from "../parts/icons";
import type { Transcription } from "../types";
import { useVoice, type State, type Voice } from "../voice/useVoice";
import { Found } from "./voice/Found";
import { Heard } from "./voice/Heard";

const SAYS: Record<State, string> = {
  idle: "Hold to talk, or tap and speak",
  opening: "Opening the microphone …",
  listening: "Listening …",
  thinking: "Finding the words …",
};

export function VoicePage(): JSX.Element {
  const { tasks } = useShop();
  const [heard, setHeard] = useState<Transcription | null>(null);
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const search = (words: string): void => {
    setText(words);
    setAsked(words.trim());
  };
  const voice = useVoice((answer) => {
    setHeard(answer.text ? answer : null);
    if (answer.text) search(answer.text);
  });
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Voice</h1>
          <p class="quiet">Say what a shopper would say. A program writes it down on this machine; nothing recorded is kept.</p>
        </div>
      </header>
      {tasks.includes("speech") ? (
        <div class="columns beside">
          <Card title="Talk">
            <Talk voice={voice} />
            <form
              class="say"
              onSubmit={(event) => {
                event.preventDefault();
                search(text);
              }}
            >
              <label class="field">
                What was said
                <input
                  value={voice.state === "idle" ? text : voice.partial}
                  readOnly={voice.state !== "idle"}
                  placeholder="… or type it"
                  maxLength={500}
                  onInput={(event) => setText(event.currentTarget.value)}
                />
              </label>
              <button type="submit" class="primary" disabled={!text.trim() || voice.state !== "idle"}>
                <Icon name="search" /> Search
              </button>
            </form>
            {heard && voice.state === "idle" && <Heard answer={heard} onPick={search} />}
          </Card>
          <Found query={asked} />
        </div>
      ) : (
        <Empty title="This server does not hear">
          <p>Its speech task is missing: update Aisle, or ask whoever runs it.</p>
          <Command>aisle doctor</Command>
        </Empty>
      )}
    </>
  );
}

function Talk({ voice }: { voice: Voice }): JSX.Element {
  const { state, level, partial, problem, press, release } = voice;
  const held = (event: KeyboardEvent): boolean => event.key === " " || event.key === "Enter";
  return (
    <div class="talk">
      <button
        type="button"
        class={`talk-button ${state}`}
        aria-pressed={state === "listening"}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          press();
        }}
        onPointerUp={release}
        onPointerCancel={release}
        onContextMenu={(event) => event.preventDefault()} // a long touch is no right click here
        onKeyDown={(event) => {
          if (!held(event)) return;
          event.preventDefault();
          if (!event.repeat) press();
        }}
        onKeyUp={(event) => held(event) && release()}
        onClick={(event) => {
          if (event.detail !== 0 || state === "thinking") return; // only what a screen reader sends: pointers and keys are handled above
          press();
          release();
        }}
      >
        <Icon name="microphone" size={30} />
        <span>Talk</span>
      </button>
      <Meter level={level} on={state === "listening"} />
      <p class="talk-state quiet" role="status">
        {SAYS[state]}
      </p>
      <p class="live" aria-live="polite" aria-atomic="true">
        {state !== "idle" && partial}
      </p>
      {problem && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

const BARS = 20;
const FLOOR = -60; // decibels below full scale that fill no bar

/** How loud it is, on a scale of decibels. */
function Meter({ level, on }: { level: number; on: boolean }): JSX.Element {
  const decibels = level > 0 ? Math.max(FLOOR, 20 * Math.log10(level)) : FLOOR;
  const lit = on ? Math.round((1 - decibels / FLOOR) * BARS) : 0;
  return (
    <div
      class="meter"
      role="meter"
      aria-label="Loudness"
      aria-valuemin={FLOOR}
      aria-valuemax={0}
      aria-valuenow={Math.round(decibels)}
      aria-valuetext={on ? `${Math.round(decibels)} decibels` : "not listening"}
    >
      {Array.from({ length: BARS }, (_, k) => (
        <span key={k} class={k < lit ? "lit" : ""} />
      ))}
    </div>
  );
}
