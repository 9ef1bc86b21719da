// How much each signal counts, as sliders; what is moved is sent along with the question.

import type { JSX } from "preact";
import { fixed } from "../../format";
import { Card } from "../../parts/basics";

export type Moved = Record<string, number>;

const SIGNALS: readonly (readonly [string, string, string])[] = [
  ["words", "Words", "how much they say of the item"],
  ["coverage", "All words", "how many of them it has"],
  ["meaning", "Meaning", "alike though the words differ"],
  ["asked", "Former choices", "after the same question"],
  ["taste", "Taste", "of the one who asks"],
  ["popular", "Popularity", "wanted by many"],
];
export const TUNED: Moved = {}; // before the first answer nothing is known of the weights
const MOST = 2;
const STEP = 0.05;

interface Props {
  used: Moved; // the weights of the last answer, of the signals that had something to say
  moved: Moved;
  onMove: (moved: Moved) => void;
}

export const Weights = ({ used, moved, onMove }: Props): JSX.Element => (
  <Card
    title="Weights"
    note="Arrows beside the results show what a change does"
    actions={
      <button type="button" class="small" disabled={Object.keys(moved).length === 0} onClick={() => onMove({})}>
        As tuned
      </button>
    }
  >
    <ul class="sliders">
      {SIGNALS.map(([name, label, note]) => {
        const value = moved[name] ?? used[name];
        return (
          <li key={name}>
            <label>
              <span>
                {label} <span class="quiet">{note}</span>
              </span>
              <input
                type="range"
                min={0}
                max={MOST}
                step={STEP}
                value={value ?? 0}
                aria-valuetext={value === undefined ? "says nothing here" : fixed(value)}
                onInput={(event) => onMove({ ...moved, [name]: Number(event.currentTarget.value) })}
              />
              <output class="number">{value === undefined ? "–" : fixed(value)}</output>
            </label>
          </li>
        );
      })}
    </ul>
  </Card>
);
