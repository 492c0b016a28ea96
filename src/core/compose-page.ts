import type { Instance } from "./instance.ts";
import { type JobFacts, jobPage } from "./job-page.ts";
import { findingsOf } from "./page-findings.ts";
import { headlineOf } from "./page-headline.ts";
import type { Problem, VolumeChoice } from "./report.ts";
import type { ReportPage } from "./report-page.ts";
import type { RunHistory } from "./run-history.ts";

/** All that the page is made of. */
export interface PageFacts {
  /** EC2's clock at the listing. */
  readonly asOf: Date;
  /** The agent's version. */
  readonly agent: string;
  readonly instance: Instance;
  readonly instanceStores: readonly string[];
  readonly jobs: readonly JobFacts[];
  readonly left: readonly VolumeChoice[];
  /** What is wrong with the configuration, or with what could be asked. */
  readonly problems: readonly Problem[];
  /** Jobs of which this host's state cannot be read. */
  readonly unreadable: readonly string[];
}

/** Decides what the page says. Pure; how it looks is another matter. */
export function composePage(facts: PageFacts): ReportPage {
  const { asOf, agent, instance, left, problems, instanceStores, unreadable } = facts;
  const jobs = facts.jobs.map((one) => jobPage(one, instance, asOf));
  const histories = new Map(
    facts.jobs.flatMap(({ name, history }): [string, RunHistory][] => (history ? [[name, history]] : [])),
  );
  const findings = findingsOf({ problems, jobs, histories, left, instanceStores, unreadable });
  const { id, name, region, zone, type } = instance;
  return {
    version: 1,
    asOf: asOf.toISOString(),
    agent,
    instance: { id, ...(name !== undefined && { name }), region, zone, type },
    ...headlineOf(findings, jobs),
    findings,
    jobs,
    left,
  };
}
