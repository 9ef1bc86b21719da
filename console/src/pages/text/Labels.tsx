// The labels of a text by how likely they are; for labels like "A > B" also the best at each level.

import type { JSX } from "preact";
import { percent } from "../../format";
import { Bars, Badge, Empty } from "../../parts/basics";
import type { TextRead } from "../../types";

const SHOWN = 6;

export function Labels({ read }: { read: TextRead }): JSX.Element {
  const { result } = read;
  if (!result)
    return (
      <Empty title="No classifier yet">
        <p>Import labelled texts and train: reviews with stars become a classifier of sentiment.</p>
      </Empty>
    );
  const [best] = result.labels;
  return (
    <div class="labels">
      {best && (
        <p class="row">
          <b class="best-label">{best.label}</b>
          <span class="quiet">
            {percent(best.probability, 1)} sure, says “{read.classifier}”
          </span>
          {result.truncated && <Badge kind="warn">only the beginning was read</Badge>}
        </p>
      )}
      <Bars
        whole={1}
        bars={result.labels.slice(0, SHOWN).map((label) => ({
          name: label.label,
          value: label.probability,
          text: percent(label.probability, 1),
        }))}
      />
      {result.path && (
        <p>
          <span class="quiet">Level by level: </span>
          {result.path.map((level) => `${level.label.split(" > ").at(-1) ?? ""} (${percent(level.probability, 1)})`).join(" › ")}
        </p>
      )}
    </div>
  );
}
