// What a container engine answers, in the parts that are read; the same from Docker and from Podman.
import { z } from 'zod';

const texts = z.array(z.string()).nullish();
const labels = z.record(z.string(), z.string()).nullish();

const attachment = z.looseObject({
  IPAddress: z.string().nullish(),
  GlobalIPv6Address: z.string().nullish(),
  MacAddress: z.string().nullish(),
  Aliases: texts,
  IPAMConfig: z.looseObject({ IPv4Address: z.string().nullish(), IPv6Address: z.string().nullish() }).nullish(),
});
const networks = z.looseObject({ Networks: z.record(z.string(), attachment).nullish() }).nullish();

const listed = z.looseObject({
  Id: z.string(),
  Names: texts,
  Image: z.string().nullish(),
  State: z.string().nullish(),
  Labels: labels,
  NetworkSettings: networks,
});
export const listSchema = z.array(listed);

const count = z.number().nullish();
export const inspectedSchema = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Created: z.string().nullish(),
  Image: z.string().nullish(),
  State: z
    .looseObject({
      Status: z.string().nullish(),
      Running: z.boolean().nullish(),
      Paused: z.boolean().nullish(),
      Pid: count,
      ExitCode: count,
      StartedAt: z.string().nullish(),
      Health: z.looseObject({ Status: z.string().nullish() }).nullish(),
    })
    .nullish(),
  Config: z.looseObject({
    Image: z.string().nullish(),
    User: z.string().nullish(),
    Tty: z.boolean().nullish(),
    Env: texts,
    // A single text where a Dockerfile gave one.
    Cmd: z.union([z.array(z.string()), z.string().transform((text) => [text])]).nullish(),
    Labels: labels,
    Healthcheck: z.looseObject({ Test: texts }).nullish(),
  }),
  HostConfig: z.looseObject({
    Privileged: z.boolean().nullish(),
    ReadonlyRootfs: z.boolean().nullish(),
    CapAdd: texts,
    CapDrop: texts,
    SecurityOpt: texts,
    NetworkMode: z.string().nullish(),
    PidMode: z.string().nullish(),
    IpcMode: z.string().nullish(),
    UTSMode: z.string().nullish(),
    UsernsMode: z.string().nullish(),
    CgroupnsMode: z.string().nullish(),
    Memory: count,
    NanoCpus: count,
    CpuQuota: count,
    PidsLimit: count,
    Binds: texts,
    Devices: z.array(z.looseObject({ PathOnHost: z.string(), PathInContainer: z.string() })).nullish(),
    Sysctls: z.record(z.string(), z.string()).nullish(),
    ExtraHosts: texts,
    PortBindings: z
      .record(
        z.string(),
        z.array(z.looseObject({ HostIp: z.string().optional(), HostPort: z.string().optional() })).nullable(),
      )
      .nullish(),
    RestartPolicy: z.looseObject({ Name: z.string().nullish() }).nullish(),
  }),
  Mounts: z
    .array(
      z.looseObject({
        Type: z.string().default(''),
        Source: z.string().default(''),
        Destination: z.string().default(''),
        RW: z.boolean().nullish(),
      }),
    )
    .nullish(),
  NetworkSettings: networks,
});
export type InspectedContainer = z.output<typeof inspectedSchema>;

export const versionSchema = z.looseObject({
  Version: z.string().nullish(),
  ApiVersion: z.string().nullish(),
  Components: z.array(z.looseObject({ Name: z.string().nullish() })).nullish(),
});

/** Titles and rows of ps(1). */
export const topSchema = z.looseObject({
  Titles: z.array(z.string()),
  Processes: z.array(z.array(z.string())).nullish(),
});

export const changesSchema = z.array(z.looseObject({ Path: z.string(), Kind: z.number() })).nullable();

const usage = z.looseObject({
  cpu_usage: z.looseObject({ total_usage: count }).nullish(),
  system_cpu_usage: count,
  online_cpus: count,
});
export const statsSchema = z.looseObject({
  read: z.string().nullish(),
  cpu_stats: usage.nullish(),
  memory_stats: z
    .looseObject({ usage: count, limit: count, stats: z.record(z.string(), z.number()).nullish() })
    .nullish(),
  pids_stats: z.looseObject({ current: count }).nullish(),
});

export const eventSchema = z.looseObject({
  Type: z.string(),
  Action: z.string(),
  Actor: z
    .looseObject({ ID: z.string().default(''), Attributes: z.record(z.string(), z.string()).nullish() })
    .nullish(),
  time: z.number().nullish(),
  timeNano: z.number().nullish(),
});

export const imagesPrunedSchema = z.looseObject({
  ImagesDeleted: z.array(z.unknown()).nullish(),
  SpaceReclaimed: z.number().nullish(),
});
