// What is missing for good suggestions, and the command that brings it. Nothing at all when all is well.

import type { ComponentChildren, JSX } from "preact";
import { count, percent, since } from "../../format";
import { type Versions, liveOf } from "../../models";
import { Card, Command } from "../../parts/basics";
import { href } from "../../router";
import type { Overview } from "../../types";

const LOW_MATCH = 0.9; // share of events that name a known item
const STALE = 30 * 86_400e6; // microseconds without a new event
const DAY = 86_400e6; // microseconds

interface Step {
  done: boolean;
  title: string;
  body: ComponentChildren;
}

export function NextSteps({ overview, versions }: { overview: Overview; versions: Versions | null }): JSX.Element | null {
  const steps = versions === null ? [] : [...first(overview, versions), ...later(overview, versions)];
  const open = steps.filter((step) => !step.done);
  if (open.length === 0) return null;
  return (
    <Card title="Next steps" class="steps">
      <ol>
        {steps.map((step) => (
          <li key={step.title} class={step.done ? "done" : ""}>
            <b>{step.title}</b>
            {step.done ? <span class="quiet"> Done.</span> : <div>{step.body}</div>}
          </li>
        ))}
      </ol>
    </Card>
  );
}

const first = (overview: Overview, versions: Versions): Step[] => [
  {
    done: overview.items > 0,
    title: "Bring in the catalogue.",
    body: (
      <>
        A Google Merchant or Shopify feed, CSV, JSONL or Parquet. <Command>aisle import items products.csv</Command>
      </>
    ),
  },
  {
    done: overview.events > 0,
    title: "Bring in what people did.",
    body: (
      <>
        Orders, clicks or ratings from a file, or live to <code>POST /v1/events</code>.{" "}
        <Command>aisle import events orders.csv</Command>
      </>
    ),
  },
  {
    done: liveOf(versions, "recommend") !== null,
    title: "Train the first model.",
    body: (
      <>
        Here on <a href={href("models")}>Models</a>, or in a terminal. <Command>aisle train recommend</Command>
      </>
    ),
  },
];

/** Things that go wrong in a running shop; they are listed only when they have. */
function later(overview: Overview, versions: Versions): Step[] {
  const { events, matched_events, last_event, as_of } = overview;
  const live = liveOf(versions, "recommend");
  const found: Step[] = [];
  if (events > 0 && overview.items > 0 && matched_events / events < LOW_MATCH)
    found.push({
      done: false,
      title: `Only ${percent(matched_events, events)} of the events name an item of the catalogue.`,
      body: (
        <>
          {count(events - matched_events)} events teach nothing. Do the orders say SKUs where the catalogue says product ids?
          Import them again with <code>--map item_id=…</code>.
        </>
      ),
    });
  if (last_event !== null && as_of - last_event > STALE)
    found.push({
      done: false,
      title: `The newest event is from ${since(last_event, as_of)}.`,
      body: (
        <>
          Suggestions do not follow what people do today until events arrive: send them to <code>POST /v1/events</code>.
        </>
      ),
    });
  if (live && last_event !== null && last_event - live.created_at > 7 * DAY)
    found.push({
      done: false,
      title: "The model has not learnt from the last week.",
      body: (
        <>
          Train it again on <a href={href("models")}>Models</a>.
        </>
      ),
    });
  return found;
}
