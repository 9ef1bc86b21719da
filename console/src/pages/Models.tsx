// Trained versions of every task, which one answers, training a new one, and the jobs that did or do it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { path } from "../api";
import { count, decimal, momentOf, since, words } from "../format";
import { asApiError, useShop } from "../hooks";
import type { ApiError } from "../api";
import { headline, useVersions, type Version } from "../models";
import { Await, Badge, Card, Command, Empty, Failure, Scroll } from "../parts/basics";
import { Facts, metric, Scores } from "../parts/ModelCard";
import { Ask } from "../parts/Ask";
import { Jobs } from "./models/Jobs";

export function ModelsPage(): JSX.Element {
  const versions = useVersions();
  const [started, setStarted] = useState(0); // jobs this page has started
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Models</h1>
          <p class="quiet">A trained model goes live by itself; the one before stays, one step away.</p>
        </div>
      </header>
      <Await of={versions} lines={8}>
        {(all) => (
          <>
            {Object.entries(all).map(([task, list]) => (
              <TaskCard
                key={task}
                task={task}
                versions={list}
                reload={versions.reload}
                onStarted={() => setStarted(started + 1)}
              />
            ))}
          </>
        )}
      </Await>
      <Jobs key={started} onFinished={versions.reload} />
    </>
  );
}

interface TaskProps {
  task: string;
  versions: Version[];
  reload: () => void;
  onStarted: () => void;
}

type Question = { title: string; body: string; yes: string; act: () => Promise<unknown> };

function TaskCard({ task, versions, reload, onStarted }: TaskProps): JSX.Element {
  const { api, scopes } = useShop();
  const [error, setError] = useState<ApiError | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const live = versions.find((one) => one.live);
  const mayChange = scopes.includes("admin");
  const act = (what: () => Promise<unknown>): void => {
    setQuestion(null);
    setError(null);
    what().then(reload, (problem: unknown) => setError(asApiError(problem)));
  };
  const train = async (): Promise<void> => {
    await api.post("/v1/jobs", { kind: "train", task, config: live?.config ?? {} });
    onStarted();
  };
  const promote = (version: Version): Question => ({
    title: `Let ${task}@${version.version} answer?`,
    body: `From now on every answer comes from the version trained ${since(version.created_at)}. You can go back at any time.`,
    yes: "Promote",
    act: () => api.post(path("/v1/models", [task, "versions", String(version.version), "promote"]), {}),
  });
  const rollback: Question = {
    title: `Roll ${task} back?`,
    body: "The version that answered before the live one answers again.",
    yes: "Roll back",
    act: () => api.post(path("/v1/models", [task, "versions", "rollback"]), {}),
  };
  const actions = mayChange && (
    <>
      {versions.length > 1 && (
        <button type="button" onClick={() => setQuestion(rollback)}>
          Roll back
        </button>
      )}
      <button type="button" class="primary" onClick={() => act(train)}>
        Train {words(task).toLowerCase()}
      </button>
    </>
  );
  return (
    <Card title={words(task)} note={live ? `Version ${live.version} answers` : "No version answers yet"} actions={actions}>
      {error && <Failure error={error} />}
      {versions.length === 0 ? (
        <Empty title="Nothing trained yet">
          <Command>{`aisle train ${task}`}</Command>
        </Empty>
      ) : (
        <>
          {live && (
            <div class="columns halves">
              <div>
                <Facts version={live} />
                <Settings config={live.config} />
              </div>
              <div>
                <Scores version={live} />
              </div>
            </div>
          )}
          <VersionTable
            task={task}
            versions={versions}
            onPromote={mayChange ? (version) => setQuestion(promote(version)) : null}
          />
        </>
      )}
      {!mayChange && <p class="quiet">Training and promoting need a key with the scope “admin”.</p>}
      {question && <Ask {...question} onYes={() => act(question.act)} onNo={() => setQuestion(null)} />}
    </Card>
  );
}

const Settings = ({ config }: { config: Record<string, unknown> }): JSX.Element => (
  <details>
    <summary>The settings it was trained with</summary>
    <dl class="pairs">
      {Object.entries(config).map(([name, value]) => (
        <div key={name}>
          <dt>{words(name)}</dt>
          <dd class="number">{Array.isArray(value) ? value.join(", ") : String(value)}</dd>
        </div>
      ))}
    </dl>
  </details>
);

const VersionTable = ({
  task,
  versions,
  onPromote,
}: {
  task: string;
  versions: Version[];
  onPromote: ((version: Version) => void) | null;
}): JSX.Element => (
  <Scroll label={`Versions of ${words(task).toLowerCase()}`}>
    <table>
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">Trained</th>
          <th scope="col">Algorithm</th>
          <th scope="col" class="number">
            Events
          </th>
          <th scope="col" class="number">
            Score
          </th>
          <th scope="col" class="number">
            Popularity
          </th>
          <th scope="col">
            <span class="unseen">Promote</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <VersionRow key={version.version} version={version} onPromote={onPromote} />
        ))}
      </tbody>
    </table>
  </Scroll>
);

function VersionRow({ version, onPromote }: { version: Version; onPromote: ((version: Version) => void) | null }): JSX.Element {
  const best = headline(version);
  const events = version.data["events"];
  return (
    <tr>
      <th scope="row">
        {version.version} {version.live && <Badge kind="good">Live</Badge>}
      </th>
      <td title={momentOf(version.created_at)}>{since(version.created_at)}</td>
      <td>{words(String(version.config["algorithm"] ?? "–"))}</td>
      <td class="number">{events === undefined ? "–" : count(events)}</td>
      <td class="number">{best ? `${decimal(best.model)} ${metric(best.name)}` : "–"}</td>
      <td class="number">{best?.baseline == null ? "–" : decimal(best.baseline)}</td>
      <td class="number">
        {!version.live && onPromote && (
          <button type="button" class="small" onClick={() => onPromote(version)}>
            Promote<span class="unseen"> version {version.version}</span>
          </button>
        )}
      </td>
    </tr>
  );
}
