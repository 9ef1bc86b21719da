// Trained versions of every task, and how their scores stand beside the plain baseline.

import type { Api } from "./api";
import { path } from "./api";
import { type Asked, useAnswer, useShop } from "./hooks";
import type { Page } from "./types";

export interface Version {
  task: string;
  version: number;
  created_at: number; // microseconds
  live: boolean;
  scores: Record<string, unknown>;
  config: Record<string, unknown>;
  data: Record<string, number>; // items, events, seconds
}

export type Versions = Record<string, Version[]>; // task -> newest first

export interface Pair {
  name: string; // "ndcg@10"
  model: number;
  baseline: number | null;
}

/** Every task's versions; a task without any is there with an empty list. */
export async function readVersions(api: Api, tasks: readonly string[], signal?: AbortSignal): Promise<Versions> {
  const lists = await Promise.all(
    tasks.map(async (task) => {
      const page = await api.get<Page<Version>>(path("/v1/models", [task, "versions"]), signal);
      return [task, page.data.map((one) => ({ ...one, created_at: one.created_at * 1e6 }))] as const; // the API says seconds
    }),
  );
  return Object.fromEntries(lists);
}

export function useVersions(): Asked<Versions> {
  const { tasks } = useShop();
  return useAnswer((api, signal) => readVersions(api, tasks, signal), [tasks.join()]);
}

export const liveOf = (versions: Versions | null, task: string): Version | null =>
  versions?.[task]?.find((one) => one.live) ?? null;

const BASELINE = /^(popular|popularity|baseline)[_./: ]+|[_./: ]+(popular|popularity|baseline)$/;

/** The scores of a card as metric, model, baseline; a baseline's score is named "popular_<metric>". */
export function pairsOf(scores: Record<string, unknown> | undefined): Pair[] {
  const numbers = Object.entries(scores ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  const baselines = new Map(
    numbers.filter(([name]) => BASELINE.test(name)).map(([name, value]) => [name.replace(BASELINE, ""), value]),
  );
  return numbers
    .filter(([name]) => !BASELINE.test(name))
    .map(([name, model]) => ({ name, model, baseline: baselines.get(name) ?? null }));
}

/** The one score that says most: the first that has a baseline. */
export const headline = (version: Version): Pair | null => pairsOf(version.scores).find((pair) => pair.baseline !== null) ?? null;
