import type { Static } from 'typebox'
import type { ServerStatus } from '../../core/servers/compute-driver.ts'
import type { PlanOfServer, Server, ServerAddress } from '../../core/servers/server.ts'
import type { PlanShape, ServerShape, ServerStatusShape, ServerWithStateShape } from './shapes.ts'
import { amount, idNumber, instant, measure, nullableInstant } from './values.ts'

export function serverText(server: Server): Static<typeof ServerShape> {
  const { image, subscription } = server
  return {
    id: idNumber(server.id),
    hostname: server.hostname,
    billing_cycle: subscription.billingCycle,
    plan: planText(server.plan),
    status: server.state,
    virtualization: 'kvm',
    promo_code: null,
    locked: server.lockedAt !== null,
    locked_at: nullableInstant(server.lockedAt),
    created_at: instant(server.createdAt),
    expiry_at: instant(subscription.expiresAt),
    auto_renew: subscription.active && subscription.autoPay,
    server_image: {
      id: null,
      name: image.name,
      group: { name: capitalized(image.family), type: 'os', key: image.family },
    },
    ip_addresses: server.addresses.map(addressText),
    addons: server.addons.map(({ name, quantity }) => ({ name, quantity })),
  }
}

/** `status` null: the provider has not said how it is. */
export function serverWithStateText(
  server: Server,
  status: ServerStatus | null,
): Static<typeof ServerWithStateShape> {
  return {
    ...serverText(server),
    state: {
      running: status?.power === 'running',
      node_reachable: status !== null,
      cpu: { used: measure(status?.cpuPercent ?? 0) },
    },
  }
}

const MB_PER_GB = 1024

export function serverStatusText(
  server: Server,
  status: ServerStatus,
): Static<typeof ServerStatusShape> {
  const cpuUsed = measure(status.cpuPercent)
  return {
    running: status.power === 'running',
    suspended: server.state === 'suspended',
    network_suspended: false,
    rescue_mode: false,
    dns_resolvers: [],
    cpu: { used: cpuUsed, free: measure(100 - cpuUsed) },
    disk: { used: measure(status.diskUsedGb), limit: server.plan.diskGb },
    bandwidth: {
      used: measure((status.trafficInMb + status.trafficOutMb) / MB_PER_GB),
      limit: server.plan.bandwidthGb,
    },
  }
}

export function planText(plan: Omit<PlanOfServer, 'publicId'>): Static<typeof PlanShape> {
  return {
    id: idNumber(plan.id),
    type: 'vps',
    key: plan.key,
    name: plan.name,
    vcpus: plan.vcpus,
    memory: plan.memoryMb,
    disk: plan.diskGb,
    bandwidth: plan.bandwidthGb,
    minimum_billing_cycle: plan.minimumBillingCycle,
    available: plan.available,
    price: plan.price && amount(plan.price.netMicros),
    price_with_vat: plan.price && amount(plan.price.grossMicros),
  }
}

function addressText(address: ServerAddress): Static<typeof ServerShape>['ip_addresses'][number] {
  return {
    id: idNumber(address.id),
    ip_address: address.address,
    gateway: address.gateway,
    mask: address.version === 4 ? dottedMask(address.prefix) : String(address.prefix),
    version: address.version,
    type: 'public',
    main: address.main,
    ddos_protected: address.ddosProtected,
    ptr: address.ptr,
  }
}

/** 24 as `255.255.255.0`. */
function dottedMask(prefix: number): string {
  const bits = '1'.repeat(prefix).padEnd(32, '0')
  return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join('.')
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
