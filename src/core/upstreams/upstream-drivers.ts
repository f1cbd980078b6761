import type { Db } from '../../db/database.ts'
import type { DeliveryDriver, DeliveryDrivers } from '../orders/delivery-driver.ts'
import type { SecretBox } from '../secret-box.ts'
import type { FailingPolicy } from './upstream.ts'
import type { UpstreamDriver, UpstreamSettings } from './upstream-driver.ts'
import { readSettings, type StoredSettings } from './upstream-views.ts'

export interface UpstreamDriversDeps {
  readonly db: Db
  readonly secrets: SecretBox
  /** The providers that are no upstreams. */
  readonly builtIn: ReadonlyMap<string, DeliveryDriver>
  open(settings: UpstreamSettings): UpstreamDriver
  readonly log: { warn(fields: object, text: string): void }
}

/** What the operator wants of orders that an upstream cannot take. */
export interface UpstreamPolicy {
  readonly whenFailing: FailingPolicy
  readonly refundAfterMinutes: number
}

const READ_EVERY_MS = 500
/** What was asked of a driver that is replaced has been answered by then. */
const LAST_ANSWER_MS = 30_000

interface OpenUpstream {
  readonly driver: UpstreamDriver
  readonly policy: UpstreamPolicy
  /** What it was made of: another text, another driver. */
  readonly madeOf: string
}

/**
 * All who deliver orders: those that are built in, and the upstreams as their rows say. The rows
 * are read twice a second, so that what any process changes holds in all within a second.
 */
export class UpstreamDrivers implements DeliveryDrivers {
  readonly #deps: UpstreamDriversDeps
  readonly #names: Set<string>
  #open: ReadonlyMap<string, OpenUpstream> = new Map()
  #reading: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: UpstreamDriversDeps) {
    this.#deps = deps
    this.#names = new Set(deps.builtIn.keys())
  }

  /** Those that are no upstreams. */
  get builtIn(): ReadonlySet<string> {
    return new Set(this.#deps.builtIn.keys())
  }

  /** The names of all of them, as of the last reading: the same set is kept up to date. */
  get names(): ReadonlySet<string> {
    return this.#names
  }

  get(name: string): DeliveryDriver | undefined {
    return this.#deps.builtIn.get(name) ?? this.#open.get(name)?.driver
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  keys(): SetIterator<string> {
    return this.#names.keys()
  }

  /** The upstream of this name; undefined for providers that are none. */
  upstream(name: string): UpstreamDriver | undefined {
    return this.#open.get(name)?.driver
  }

  /** Undefined for providers that are no upstreams. */
  policyOf(name: string): UpstreamPolicy | undefined {
    return this.#open.get(name)?.policy
  }

  async start(): Promise<void> {
    await this.refresh()
    this.#timer = setInterval(() => {
      // What cannot be read now is read half a second later; until then what was known holds.
      this.refresh().catch(() => {})
    }, READ_EVERY_MS)
  }

  /** Reads the rows, beginning after all that were asked for before. */
  async refresh(): Promise<void> {
    const reading = this.#reading.then(() => this.#read())
    this.#reading = reading.catch(() => {})
    await reading
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reading
    await Promise.all([...this.#open.values()].map(({ driver }) => driver.close()))
  }

  async #read(): Promise<void> {
    const { installation, settings } = await readSettings(this.#deps.db)
    const before = this.#open
    const open = new Map<string, OpenUpstream>()
    for (const stored of settings) {
      const { whenFailing, refundAfterMinutes, ...made } = stored
      const policy = { whenFailing, refundAfterMinutes }
      const madeOf = JSON.stringify(made)
      const earlier = before.get(made.name)
      if (earlier?.madeOf === madeOf) open.set(made.name, { ...earlier, policy })
      else open.set(made.name, { driver: this.#make(made, installation), policy, madeOf })
    }
    this.#open = open
    for (const name of open.keys()) this.#names.add(name)
    for (const [name, { driver }] of before) {
      if (open.get(name)?.driver === driver) continue
      setTimeout(() => void driver.close().catch(() => {}), LAST_ANSWER_MS).unref()
    }
  }

  #make(
    { sealedKey, ...settings }: Omit<StoredSettings, keyof UpstreamPolicy>,
    installation: string,
  ): UpstreamDriver {
    const apiKey = this.#unseal(settings.name, sealedKey)
    return this.#deps.open({ ...settings, installation, apiKey })
  }

  #unseal(upstream: string, sealedKey: string): string {
    try {
      return this.#deps.secrets.open('upstream key', sealedKey)
    } catch {
      // Its calls are refused then, and it is reported as failing; the operator sets the key anew.
      const text = 'the key of an upstream was sealed with another secret key: set it anew'
      this.#deps.log.warn({ upstream }, text)
      return 'sealed-with-another-secret-key'
    }
  }
}
