/** What Purser asks of its PostgreSQL. Pure; the result is written anew at each start. */

export interface Machine {
  readonly memoryBytes: number
  readonly diskBytes: number
}

const HEADER =
  '# Written by Purser at every start; changes here are lost. Use ALTER SYSTEM instead.'
const MIB = 1024 * 1024

/**
 * The text of purser.conf, which postgresql.conf includes. An operator's `ALTER SYSTEM` is read
 * after it and wins. `durable: false` is for tests only.
 */
export function renderServerSettings(machine: Machine, durable: boolean): string {
  const onOff = durable ? 'on' : 'off'
  const settings: Record<string, string> = {
    cluster_name: 'purser',
    max_connections: durable ? '100' : '200',

    fsync: onOff,
    synchronous_commit: onOff,
    full_page_writes: onOff,

    ...memorySettings(machine, durable),

    // No replicas hang on this server, so the log carries only what recovery needs.
    wal_level: 'minimal',
    max_wal_senders: '0',
    wal_buffers: '16MB',
    // The packaged build has pglz only, which costs more processor than it saves disk.
    wal_compression: 'off',
    max_wal_size: `${walSizeMib(machine.diskBytes)}MB`,
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',

    jit: 'off',
    random_page_cost: '1.1',

    // Most tables only grow: their visibility map and statistics have to follow the inserts.
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.02',
    autovacuum_vacuum_cost_limit: '1000',

    // Terse and without statements: details name values, and values may be personal.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_parameter_max_length: '0',
    log_checkpoints: 'off',
    log_autovacuum_min_duration: '-1',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    lc_messages: 'C',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`)
  return `${HEADER}\n${lines.join('\n')}\n`
}

function memorySettings(machine: Machine, durable: boolean): Record<string, string> {
  const memoryMib = Math.floor(machine.memoryBytes / MIB)
  const sharedMib = durable ? Math.min(1024, Math.max(64, Math.floor(memoryMib / 4))) : 64
  return {
    shared_buffers: `${sharedMib}MB`,
    effective_cache_size: `${Math.max(128, Math.floor(memoryMib / 2))}MB`,
    maintenance_work_mem: `${Math.min(256, Math.max(32, Math.floor(memoryMib / 16)))}MB`,
    work_mem: '8MB',
  }
}

/** 4 GiB, but never more than a tenth of the disk. */
function walSizeMib(diskBytes: number): number {
  return Math.min(4096, Math.max(256, Math.floor(diskBytes / MIB / 10)))
}
