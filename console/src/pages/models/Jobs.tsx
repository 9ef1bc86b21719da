// Jobs, the newest first, with the progress of those that run.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { path } from "../../api";
import { duration, momentOf, since, words } from "../../format";
import { useAnswer, useShop, useTicking } from "../../hooks";
import { Await, Badge, Card, Empty, Progress } from "../../parts/basics";
import type { Page } from "../../types";

interface Job {
  id: string;
  kind: string;
  params: Record<string, unknown>;
  status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  created_at: number; // seconds, as the other times
  started_at: number | null;
  finished_at: number | null;
  error: { code: string; message: string } | null;
}

interface JobEvent {
  done: number | null;
  total: number | null;
  message: string;
}

const OFTEN = 1_000; // milliseconds between looks while a job runs
const KINDS = { queued: "plain", running: "accent", succeeded: "good", failed: "bad", cancelled: "warn" } as const;

const over = (job: Job): boolean => job.status !== "queued" && job.status !== "running";

export function Jobs({ onFinished }: { onFinished: () => void }): JSX.Element {
  const jobs = useAnswer<Page<Job>>((api, signal) => api.get(path("/v1/jobs", [], { limit: 10 }), signal), []);
  const busy = jobs.data?.data.some((job) => !over(job)) ?? false;
  const wasBusy = useRef(false);
  useTicking(jobs.reload, busy ? OFTEN : 10 * OFTEN);
  useEffect(() => {
    if (wasBusy.current && !busy) onFinished();
    wasBusy.current = busy;
  }, [busy]);
  return (
    <Card title="Jobs" note="The newest ten">
      <Await of={jobs} lines={4}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No jobs yet">
              <p>Training, imports and erasures show up here while they run and afterwards.</p>
            </Empty>
          ) : (
            <ul class="lines">
              {data.map((job) => (
                <JobLine key={job.id} job={job} />
              ))}
            </ul>
          )
        }
      </Await>
    </Card>
  );
}

function JobLine({ job }: { job: Job }): JSX.Element {
  const task = job.params["task"];
  const name = `${words(job.kind)}${typeof task === "string" ? ` ${task}` : ""}`;
  return (
    <li class="job">
      <div class="row spread">
        <span>
          <b>{name}</b> <Badge kind={KINDS[job.status]}>{words(job.status)}</Badge>
        </span>
        <span class="quiet" title={momentOf(job.created_at * 1e6)}>
          {since(job.created_at * 1e6)}
          {job.started_at && job.finished_at && `, took ${duration(Math.max(1, job.finished_at - job.started_at))}`}
        </span>
      </div>
      {!over(job) && <Running job={job} name={name} />}
      {job.error && <p class="problem">{job.error.message}</p>}
    </li>
  );
}

function Running({ job, name }: { job: Job; name: string }): JSX.Element {
  const { api } = useShop();
  const events = useAnswer<Page<JobEvent>>(
    (asked, signal) => asked.get(path("/v1/jobs", [job.id, "events"], { limit: 1000 }), signal),
    [job.id],
  );
  useTicking(events.reload, OFTEN);
  const newest = events.data?.data.findLast((event) => event.total !== null);
  const cancel = (): void => void api.post(path("/v1/jobs", [job.id, "cancel"]), {}).catch(() => undefined);
  return (
    <div class="row spread">
      <div class="grow">
        <Progress label={name} done={newest?.done ?? 0} total={newest?.total ?? 1} />
        <p class="quiet" role="status">
          {newest?.message ?? "Waiting for a worker"}
        </p>
      </div>
      <button type="button" class="small" onClick={cancel}>
        Cancel<span class="unseen"> {name}</span>
      </button>
    </div>
  );
}
