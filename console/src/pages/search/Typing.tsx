// The field in which a question is typed, with its completions below.

import type { JSX } from "preact";
import { useAnswer, useSettled } from "../../hooks";

const MOST = 5;

export function Typing({ text, onText }: { text: string; onText: (text: string) => void }): JSX.Element {
  const begun = useSettled(text, 80);
  const found = useAnswer(
    async (api, signal) =>
      begun.trim() ? (await api.post<{ completions: string[] }>("/v1/search/suggest", { query: begun, n: MOST }, signal)).completions : [],
    [begun],
  );
  const others = (found.data ?? []).filter((words) => words !== text);
  return (
    <div class="typing grow">
      <label class="field grow">
        <span>What a shopper types</span>
        <input
          type="search"
          value={text}
          placeholder="blue dress, 500 GB, 红色连衣裙 …"
          spellcheck={false}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </label>
      <ul class="chips completions" aria-label="Completions">
        {others.map((words) => (
          <li key={words}>
            <button type="button" class="chip" onClick={() => onText(words)}>
              {words}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
