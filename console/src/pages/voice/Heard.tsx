// What was heard: every word with how sure the recogniser is of it, and what else it may have been.

import type { JSX } from "preact";
import { percent } from "../../format";
import type { Transcription } from "../../types";

const UNSURE = 0.6; // a word below this is marked

export function Heard({ answer, onPick }: { answer: Transcription; onPick: (text: string) => void }): JSX.Element {
  const others = (answer.alternatives ?? []).filter((one) => one.text && one.text !== answer.text);
  return (
    <div class="heard">
      <h3>Word by word</h3>
      <ul class="spoken" aria-label="Words and how sure each is">
        {(answer.words ?? []).map((word, k) => (
          <li key={k} class={word.probability < UNSURE ? "unsure" : ""}>
            <span class="word">
              {word.word}
              {word.probability < UNSURE && <span class="unseen"> (unsure)</span>}
            </span>
            <span class="sure" aria-hidden="true">
              <span style={{ inlineSize: `${100 * word.probability}%` }} />
            </span>
            <span class="quiet number">{percent(word.probability, 1)}</span>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <>
          <h3>It may have been</h3>
          <ul class="others">
            {others.map((one) => (
              <li key={one.text}>
                <button type="button" class="chip" onClick={() => onPick(one.text)}>
                  {one.text}
                </button>
                <span class="quiet number">{percent(one.probability, 1)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="quiet">
        {answer.model} · {answer.duration.toFixed(1)} s of sound · the text itself {percent(answer.probability, 1)}
      </p>
    </div>
  );
}
