// How the shop is doing with Aisle: what came in, what was asked, how good the model is, and what to do next.

import type { JSX } from "preact";
import { compact, count, dateOf, percent, plural, since } from "../format";
import { type Asked, useGet, useTicking } from "../hooks";
import { Await, Bars, Card, Figure } from "../parts/basics";
import { ModelCard } from "../parts/ModelCard";
import { type Versions, liveOf, useVersions } from "../models";
import type { Overview } from "../types";
import { Asking } from "./overview/Asking";
import { EventsPlot } from "./overview/EventsPlot";
import { NextSteps } from "./overview/NextSteps";

const REFRESH = 30_000; // milliseconds

export function OverviewPage(): JSX.Element {
  const overview = useGet<Overview>("/v1/overview");
  const versions = useVersions();
  useTicking(() => {
    overview.reload();
    versions.reload();
  }, REFRESH);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Overview</h1>
          <p class="quiet">{overview.data ? `As of ${since(overview.data.as_of)}` : " "}</p>
        </div>
      </header>
      <Await of={overview} lines={6}>
        {(data) => (
          <>
            <NextSteps overview={data} versions={versions.data} />
            <Figures overview={data} versions={versions} />
            {data.events > 0 && (
              <Card>
                <EventsPlot days={data.days} />
              </Card>
            )}
            <div class="columns halves">
              <ModelCard versions={versions} />
              <People overview={data} />
            </div>
            <Asking />
          </>
        )}
      </Await>
    </>
  );
}

function Figures({ overview, versions }: { overview: Overview; versions: Asked<Versions> }): JSX.Element {
  const live = liveOf(versions.data, "recommend");
  const fresh = overview.last_event === null ? "–" : since(overview.last_event);
  return (
    <dl class="figures">
      <Figure name="Items" value={compact(overview.items)} note={pictured(overview)} />
      <Figure
        name="Users"
        value={compact(overview.users)}
        note={overview.users ? `${percent(overview.warm_users, overview.users)} known well enough` : "none yet"}
      />
      <Figure
        name="Events"
        value={compact(overview.events)}
        note={overview.first_event === null ? "none yet" : `since ${dateOf(overview.first_event)}`}
      />
      <Figure
        name="Newest event"
        value={fresh}
        note={
          overview.events ? `${percent(overview.matched_events, overview.events)} name a known item` : "nothing to learn from"
        }
      />
      <Figure
        name="Model trained"
        value={live ? since(live.created_at) : "Not yet"}
        note={live ? `recommend@${live.version}` : "see the next steps"}
      />
    </dl>
  );
}

function pictured(overview: Overview): string {
  const pictures = overview.completeness["picture"];
  return overview.items && pictures !== undefined ? `${percent(pictures, overview.items)} with a picture` : "none yet";
}

function People({ overview }: { overview: Overview }): JSX.Element {
  const { users, warm_users, warm_at, activity, items, completeness } = overview;
  return (
    <Card
      title="What there is to learn from"
      note={
        users
          ? `${count(warm_users)} of ${count(users)} users have ${warm_at} events or more, enough to show a taste. With fewer, a list rests on an item or two; without any, on what is popular.`
          : "No users yet."
      }
    >
      {users > 0 && (
        <>
          <h3>Users by their number of events</h3>
          <Bars
            bars={activity.map(({ least, most, users: n }) => ({
              name:
                most === null ? `${count(least)} and more` : least === most ? count(least) : `${count(least)} to ${count(most)}`,
              value: n,
              text: `${compact(n)} · ${percent(n, users)}`,
              quiet: least < warm_at,
            }))}
          />
        </>
      )}
      {items > 0 && (
        <>
          <h3>Items that say their</h3>
          <Bars bars={Object.entries(completeness).map(([name, n]) => ({ name, value: n / items, text: percent(n, items) }))} />
          <p class="quiet">
            {plural(items, "item")} in all. New items are suggested by these words until people have found them.
          </p>
        </>
      )}
    </Card>
  );
}
