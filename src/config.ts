import { isIP } from 'node:net'
import { resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import { StartupError } from './lib/startup-error.ts'

/** Everything that the environment decides, read once at start. */
export interface Config {
  readonly port: number
  readonly host: string
  readonly dataDir: string
  /** Null: Purser starts its own PostgreSQL under `dataDir`. */
  readonly databaseUrl: string | null
  /** Where customers reach it, without a trailing slash; null: the address it listens on. */
  readonly publicUrl: string | null
  readonly demo: boolean
  /** Which hops may say who the client is: nobody, everybody, so many hops, or addresses. */
  readonly trustProxy: boolean | number | string[]
  /** Overrides every limit; 0 switches them off; null keeps the defaults. */
  readonly rateLimitPerMinute: number | null
  readonly testClock: boolean
  readonly logLevel: LogLevel
  /** For tests: a database that may lose what it has acknowledged. */
  readonly allowFsyncOff: boolean
  /** Orders in one commit at the most. */
  readonly commitBatchMax: number
  /** Addresses and networks that webhooks may be sent to although they are not public. */
  readonly webhookNetworks: readonly string[]
  /** How many days before a period ends the next one's invoice is made out. */
  readonly invoiceDaysAhead: number
  /** How many days after a period has ended unpaid its server is suspended. */
  readonly suspendAfterDays: number
  /** Seals what Purser has to send itself; null: the file in `dataDir`. 32 bytes. */
  readonly secretKey: Buffer | null
}

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

const COMMIT_BATCH_MAX = 256
const INVOICE_DAYS_AHEAD = 7
/** Less than the shortest period, so that no renewal is made out before its last one begins. */
const INVOICE_DAYS_AHEAD_MAX = 27
const SUSPEND_AFTER_DAYS = 3

/** Reads the environment. Throws StartupError with one line that says what to change. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const databaseUrl = readDatabaseUrl(env)
  return {
    port: readWhole(env, 'PORT', { otherwise: 8080, least: 0, most: 65_535 }),
    host: text(env, 'HOST') ?? '127.0.0.1',
    dataDir: resolve(text(env, 'DATA_DIR') ?? './data'),
    databaseUrl,
    publicUrl: readPublicUrl(env),
    demo: readSwitch(env, 'DEMO', databaseUrl === null),
    trustProxy: readTrustProxy(env),
    rateLimitPerMinute:
      text(env, 'RATE_LIMIT_PER_MINUTE') === undefined
        ? null
        : readWhole(env, 'RATE_LIMIT_PER_MINUTE', { otherwise: 0, least: 0, most: 1_000_000_000 }),
    testClock: readSwitch(env, 'PURSER_TEST_CLOCK', false),
    logLevel: readLogLevel(env),
    allowFsyncOff: readSwitch(env, 'PURSER_ALLOW_FSYNC_OFF', false),
    commitBatchMax: readWhole(env, 'PURSER_COMMIT_BATCH_MAX', {
      otherwise: COMMIT_BATCH_MAX,
      least: 1,
      most: 1_000,
    }),
    webhookNetworks: readNetworks(env, 'WEBHOOK_NETWORKS'),
    invoiceDaysAhead: readWhole(env, 'INVOICE_DAYS_AHEAD', {
      otherwise: INVOICE_DAYS_AHEAD,
      least: 0,
      most: INVOICE_DAYS_AHEAD_MAX,
    }),
    suspendAfterDays: readWhole(env, 'SUSPEND_AFTER_DAYS', {
      otherwise: SUSPEND_AFTER_DAYS,
      least: 0,
      most: 365,
    }),
    secretKey: readSecretKeyText(env),
  }
}

type Env = Readonly<Record<string, string | undefined>>

function text(env: Env, name: string): string | undefined {
  return env[name]?.trim() || undefined
}

function readWhole(
  env: Env,
  name: string,
  o: { otherwise: number; least: number; most: number },
): number {
  const given = text(env, name)
  if (given === undefined) return o.otherwise
  const value = Number(given)
  if (!/^\d{1,10}$/.test(given) || value < o.least || value > o.most) {
    throw new StartupError(`${name} must be a whole number from ${o.least} to ${o.most}: ${given}`)
  }
  return value
}

function readSwitch(env: Env, name: string, otherwise: boolean): boolean {
  const given = text(env, name)?.toLowerCase()
  if (given === undefined) return otherwise
  if (given === '1' || given === 'true') return true
  if (given === '0' || given === 'false') return false
  throw new StartupError(`${name} must be 1 or 0: ${given}`)
}

function readDatabaseUrl(env: Env): string | null {
  const given = text(env, 'DATABASE_URL')
  if (given === undefined) return null
  if (!/^postgres(ql)?:\/\//.test(given) || !URL.canParse(given)) {
    throw new StartupError('DATABASE_URL must look like postgres://user:password@host:5432/name')
  }
  return given
}

const SECRET_KEY = /^[0-9a-f]{64}$/i

/** A secret key as 64 hexadecimal digits; undefined where it is none. */
export function parseSecretKey(given: string): Buffer | undefined {
  return SECRET_KEY.test(given) ? Buffer.from(given, 'hex') : undefined
}

function readSecretKeyText(env: Env): Buffer | null {
  const given = text(env, 'PURSER_SECRET_KEY')
  if (given === undefined) return null
  const key = parseSecretKey(given)
  if (key === undefined) throw new StartupError('PURSER_SECRET_KEY must be 64 hexadecimal digits')
  return key
}

function readPublicUrl(env: Env): string | null {
  const given = text(env, 'PUBLIC_URL')
  if (given === undefined) return null
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    throw new StartupError(`PUBLIC_URL must begin with http:// or https://: ${given}`)
  }
  return given.replace(/\/+$/, '')
}

function readTrustProxy(env: Env): Config['trustProxy'] {
  const given = text(env, 'TRUST_PROXY')
  if (given === undefined || given === '0' || given === 'false') return false
  if (given === 'true') return true
  if (/^\d{1,2}$/.test(given)) return Number(given)
  const hops = given.split(',').map((hop) => hop.trim())
  const wrong = hops.find((hop) => isIP(hop.split('/')[0] ?? '') === 0)
  if (wrong !== undefined) {
    throw new StartupError(
      `TRUST_PROXY must be a number of hops, or addresses and networks with commas: ${wrong}`,
    )
  }
  return hops
}

function readNetworks(env: Env, name: string): string[] {
  const networks = (text(env, name)?.split(',') ?? []).map((network) => network.trim())
  const wrong = networks.find((network) => !isNetwork(network))
  if (wrong === undefined) return networks
  throw new StartupError(`${name} must be addresses and networks with commas: ${wrong}`)
}

function isNetwork(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : isIP(text) !== 0
}

function readLogLevel(env: Env): LogLevel {
  const given = text(env, 'LOG_LEVEL') ?? 'info'
  const level = LOG_LEVELS.find((known) => known === given)
  if (level === undefined) {
    throw new StartupError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}: ${given}`)
  }
  return level
}
