// Why an item was suggested: its reasons as bars, and the sum that a linear model promises.

import type { JSX } from "preact";
import { capital, signed } from "../format";
import type { Reason } from "../types";
import { Bars } from "./basics";

const EXACT = 1e-6; // a linear model's contributions add up to its score at least this well
const BRIEFLY = 3;

/** A full bar is the whole score. */
export function Reasons({ reasons, score, whole }: { reasons: Reason[]; score: number; whole: boolean }): JSX.Element {
  const ordered = [...reasons].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const shown = whole ? ordered : ordered.slice(0, BRIEFLY);
  const sum = reasons.reduce((total, reason) => total + reason.contribution, 0);
  const exact = Math.abs(sum - score) <= EXACT * Math.max(1, Math.abs(score));
  return (
    <div class="reasons">
      <Bars
        whole={score}
        bars={shown.map((reason) => ({
          name: capital(reason.text),
          value: reason.contribution,
          text: signed(reason.contribution),
        }))}
      />
      {whole && (
        <p class="quiet sum">
          Sum of contributions <b class="number">{signed(sum)}</b>{" "}
          {exact ? (
            "= the score"
          ) : (
            <>
              of the score <b class="number">{signed(score)}</b>
            </>
          )}
        </p>
      )}
    </div>
  );
}
