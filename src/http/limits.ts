import type { FastifyReply, FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import { Refusal } from '../core/refusal.ts'
import type { Allowance, RateLimiter } from './rate-limiter.ts'

/** Requests a minute, by what they are counted against. */
export interface LimitsPerMinute {
  readonly panelsPerIp: number
  readonly perKey: number
  readonly sessionsPerAccount: number
  readonly failedKeysPerIp: number
  readonly openPerIp: number
}

const LIMITS_PER_MINUTE: LimitsPerMinute = {
  panelsPerIp: 1000,
  perKey: 600,
  sessionsPerAccount: 600,
  failedKeysPerIp: 60,
  openPerIp: 600,
}

/** Limits and the headers that tell of them. With `override` 0 there are neither. */
export class Limits {
  readonly #limiter: RateLimiter
  readonly #perMinute: LimitsPerMinute
  readonly #off: boolean

  /** `override`: one number for every limit; 0 switches them off; null keeps the defaults. */
  constructor(limiter: RateLimiter, override: number | null) {
    this.#limiter = limiter
    this.#off = override === 0
    this.#perMinute =
      override === null
        ? LIMITS_PER_MINUTE
        : {
            panelsPerIp: override,
            perKey: override,
            sessionsPerAccount: override,
            failedKeysPerIp: override,
            openPerIp: override,
          }
  }

  /** Beside the panels: refuses `rate_limited` after too many wrong keys from this address. */
  checkFailedKeys(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#off) return
    const bucket = `failed ${networkOf(request.ip)}`
    if (this.#limiter.peek(bucket, this.#perMinute.failedKeysPerIp)) return
    this.#tell(reply, this.#limiter.take(bucket, this.#perMinute.failedKeysPerIp))
  }

  /** Runs `identify`, which finds out who asks: where it refuses `unauthorized`, that counts. */
  async countFailures<T>(request: FastifyRequest, identify: () => Promise<T>): Promise<T> {
    try {
      return await identify()
    } catch (error) {
      if (!this.#off && error instanceof Refusal && error.code === 'unauthorized') {
        this.#limiter.take(`failed ${networkOf(request.ip)}`, this.#perMinute.failedKeysPerIp)
      }
      throw error
    }
  }

  /** The order panels, counted together by address. Refuses `rate_limited`. */
  countPanel(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#off) return
    this.#tell(
      reply,
      this.#limiter.take(`panel ${networkOf(request.ip)}`, this.#perMinute.panelsPerIp),
    )
  }

  /**
   * What customers ask for with a cookie, all sessions of an account together: whoever signs in
   * again gets no more. Refuses `rate_limited`.
   */
  countSession(accountId: bigint, reply: FastifyReply): void {
    if (this.#off) return
    const limit = this.#perMinute.sessionsPerAccount
    this.#tell(reply, this.#limiter.take(`sessions ${accountId}`, limit))
  }

  /** Everything else, by key. Refuses `rate_limited`. */
  countKey(keyId: bigint, reply: FastifyReply): void {
    if (this.#off) return
    this.#tell(reply, this.#limiter.take(`key ${keyId}`, this.#perMinute.perKey))
  }

  /** What nobody needs a key for, by address. Refuses `rate_limited`. */
  countOpen(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#off) return
    this.#tell(
      reply,
      this.#limiter.take(`open ${networkOf(request.ip)}`, this.#perMinute.openPerIp),
    )
  }

  #tell(reply: FastifyReply, allowance: Allowance): void {
    for (const prefix of ['ratelimit', 'x-ratelimit']) {
      reply.header(`${prefix}-limit`, allowance.limit)
      reply.header(`${prefix}-remaining`, allowance.remaining)
      reply.header(`${prefix}-reset`, allowance.resetSeconds)
    }
    if (!allowance.allowed) {
      throw new Refusal('rate_limited', { retryAfterSeconds: allowance.resetSeconds })
    }
  }
}

/** Who holds one IPv6 address holds its /64, so that is what is counted. */
function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip
  const address = ipaddr.process(ip)
  if (address.kind() === 'ipv4') return address.toString()
  return `${(address as ipaddr.IPv6).parts.slice(0, 4).join(':')}/64`
}
