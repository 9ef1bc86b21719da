// A user's history beside what they would be shown, and why; with the switches a merchandiser would ask about.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { count, dateOf, eventName, since } from "../format";
import { useAnswer, useGet, useShop } from "../hooks";
import { Await, Card, Command, Empty, Scroll } from "../parts/basics";
import { PickUser } from "../parts/Pick";
import { path } from "../api";
import { href } from "../router";
import type { History, Page, UserRow } from "../types";
import { Neighbours } from "./users/Neighbours";
import { Visits } from "./users/Visits";
import { Suggested } from "./users/Suggested";

const PAGE = 25;
const narrow = (): boolean => matchMedia("(max-width: 760px)").matches; // there the suggestions stand below the history

export function UsersPage({ id }: { id: string | null }): JSX.Element {
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{id ?? "Users"}</h1>
          {!id && <p class="quiet">Pick somebody to see what they did, what Aisle would show them, and why.</p>}
        </div>
        <PickUser onPick={(user) => (location.hash = href("users", user))} />
      </header>
      {id ? <OneUser key={id} id={id} /> : <AllUsers />}
    </>
  );
}

function AllUsers(): JSX.Element {
  const [trail, setTrail] = useState<string[]>([]);
  const page = useGet<Page<UserRow>>("/v1/users", { limit: PAGE, after: trail.at(-1) });
  return (
    <Card title="Everybody" note="In the order of their ids">
      <Await of={page} lines={8}>
        {({ data, has_more, last_id }) =>
          data.length === 0 && trail.length === 0 ? (
            <Empty title="Nobody yet">
              <p>Users appear with their first event.</p>
              <Command>aisle import events orders.csv</Command>
            </Empty>
          ) : (
            <>
              <UserTable users={data} />
              <div class="row end">
                <button type="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
                  Back
                </button>
                <button type="button" disabled={!has_more || !last_id} onClick={() => last_id && setTrail([...trail, last_id])}>
                  Next
                </button>
              </div>
            </>
          )
        }
      </Await>
    </Card>
  );
}

const UserTable = ({ users }: { users: UserRow[] }): JSX.Element => {
  const most = Math.max(1, ...users.map((user) => user.events));
  return (
    <Scroll label="Users">
      <table>
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col" class="number">
              Events
            </th>
            <th scope="col" class="wide-only">
              <span class="unseen">Events compared</span>
            </th>
            <th scope="col">Last seen</th>
            <th scope="col" class="wide-only">
              First seen
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.user_id}>
              <th scope="row">
                <a href={href("users", user.user_id)}>{user.user_id}</a>
              </th>
              <td class="number">{count(user.events)}</td>
              <td class="wide-only spark">
                <span class="bar" aria-hidden="true" style={{ inlineSize: `${(100 * user.events) / most}%` }} />
              </td>
              <td>{since(user.last_event)}</td>
              <td class="wide-only">{dateOf(user.first_event)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
};

function OneUser({ id }: { id: string }): JSX.Element {
  const { scopes } = useShop();
  const [limit] = useState(() => (narrow() ? 8 : PAGE));
  const [before, setBefore] = useState<string[]>([]);
  const history = useAnswer<History>(
    (api, signal) => api.get(path("/v1/users", [id, "events"], { limit, after: before.at(-1) }), signal),
    [id, before.at(-1), limit],
  );
  const total = Object.values(history.data?.counts ?? {}).reduce((sum, n) => sum + n, 0);
  return (
    <>
      <div class="columns beside">
        <Card title="What they did" note={history.data ? <Counts history={history.data} /> : null}>
          <Await of={history} lines={8}>
            {(data) =>
              total === 0 ? (
                <Empty title="Nothing is known about this user">
                  <p>That is what a first visit looks like: the suggestions beside are what a newcomer would see.</p>
                </Empty>
              ) : (
                <>
                  <Visits events={data.data} />
                  {(data.has_more || before.length > 0) && (
                    <div class="row end">
                      <button type="button" disabled={before.length === 0} onClick={() => setBefore(before.slice(0, -1))}>
                        Newer
                      </button>
                      <button
                        type="button"
                        disabled={!data.has_more || !data.last_id}
                        onClick={() => data.last_id && setBefore([...before, data.last_id])}
                      >
                        Older
                      </button>
                    </div>
                  )}
                </>
              )
            }
          </Await>
        </Card>
        <Suggested userId={id} />
      </div>
      {scopes.includes("admin") && <Neighbours userId={id} />}
    </>
  );
}

const Counts = ({ history }: { history: History }): JSX.Element => (
  <>
    {Object.entries(history.counts)
      .sort((a, b) => b[1] - a[1])
      .map(([type, n]) => `${eventName(type)} ${count(n)}`)
      .join(" · ")}
  </>
);
