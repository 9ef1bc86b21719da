// What the shop's texts say of an item, week by week or month by month: how many of each label, and the mean of stars.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Plot } from "../../chart/Plot";
import { count, dayOf, decimal, monthOf, percent, plural } from "../../format";
import { useAnswer, useItems } from "../../hooks";
import { Await, Choice, Command, Empty } from "../../parts/basics";
import { ItemLine } from "../../parts/ItemLine";
import type { SentimentOverTime } from "../../types";

const MOST_LABELS = 10;
const WIDTHS = [
  ["", "As it fits"],
  ["week", "Weeks"],
  ["month", "Months"],
] as const;
type Width = (typeof WIDTHS)[number][0];

export function Said({ itemId, linked = true }: { itemId: string; linked?: boolean }): JSX.Element {
  const [by, setBy] = useState<Width>("");
  const rows = useItems(linked ? [itemId] : []);
  const said = useAnswer(
    (api, signal) => api.post<SentimentOverTime>("/v1/text/sentiment", { item_id: itemId, ...(by ? { by } : {}) }, signal),
    [itemId, by],
  );
  return (
    <div class="said">
      {linked && <ItemLine id={itemId} row={rows.get(itemId)} />}
      <Await of={said} lines={5}>
        {(data) =>
          (data.texts ?? 0) === 0 ? (
            <Empty title="Nobody has written of it">
              <p>Import reviews with a column for the item and one for the date.</p>
              <Command>aisle import texts reviews.csv --map text=Review,sentiment=Stars,item_id=Product,time=Date</Command>
            </Empty>
          ) : (
            <Drawn said={data} controls={<Choice label="By" value={by} options={WIDTHS} onChange={setBy} />} />
          )
        }
      </Await>
    </div>
  );
}

function Drawn({ said, controls }: { said: SentimentOverTime; controls: JSX.Element }): JSX.Element {
  const periods = said.periods ?? [];
  const x = periods.map(({ start }) => start / 1e6);
  const when = (seconds: number): string => (said.by === "week" ? dayOf : monthOf)(seconds * 1e6);
  const labels = (said.labels ?? []).slice(0, MOST_LABELS);
  const sums = new Map(labels.map((label) => [label, periods.reduce((sum, one) => sum + (one.counts[label] ?? 0), 0)]));
  return (
    <>
      <p class="quiet">{summary(said)}</p>
      {periods.length > 0 && (
        <div class={said.mean === undefined ? "" : "columns halves"}>
          <Plot
            title="Texts by label"
            summary={`${plural(said.texts ?? 0, "text")} in ${plural(periods.length, said.by ?? "month")}.`}
            shape="bars"
            x={x}
            series={labels.map((label) => ({ name: label, values: periods.map((one) => one.counts[label] ?? 0) }))}
            when={when}
            total={({ name }) => sums.get(name) ?? null}
            height={200}
            controls={controls}
          />
          {said.mean !== undefined && (
            <Plot
              title="Mean label"
              summary={`${decimal(said.mean)} over all.`}
              shape="lines"
              x={x}
              series={[{ name: "Mean", values: periods.map((one) => one.mean) }]}
              when={when}
              value={(n) => decimal(n)}
              total={() => said.mean ?? null}
              height={200}
            />
          )}
        </div>
      )}
    </>
  );
}

/** How many texts, who labelled them, and what is not in the picture. */
function summary(said: SentimentOverTime): string {
  const texts = said.texts ?? 0;
  const parts = [
    said.more ? `The newest ${count(texts)} texts` : plural(texts, "text"),
    said.judged ? `${percent(said.judged, texts)} judged by the classifier, the others labelled by the shop` : "all labels are the shop’s own",
    said.unlabelled ? `${count(said.unlabelled)} without a label, because there is no classifier yet` : "",
    said.undated ? `${count(said.undated)} without a date are not drawn` : "",
  ];
  return `${parts.filter(Boolean).join("; ")}.`;
}
