/** The servers of the demo's customers, in the order in which demo.json lists them. */
export interface DemoServerTerms {
  readonly customerEmail: string
  readonly planKey: string
  readonly hostname: string
  readonly location: string
  readonly image: { readonly name: string; readonly family: string; readonly version: string }
  /** The last number of its IPv4 and of its IPv6 address. */
  readonly host: number
  readonly billingCycle: number
  readonly addonKeys: readonly string[]
  readonly autoPay: boolean
  /** unpaid: its renewal is made out. suspended: for abuse. running: neither. */
  readonly standing: 'unpaid' | 'running' | 'suspended'
}

const UBUNTU = { name: 'Ubuntu 24.04', family: 'ubuntu', version: '24.04' }
const DEBIAN = { name: 'Debian 13', family: 'debian', version: '13' }
const ALMA = { name: 'AlmaLinux 9', family: 'almalinux', version: '9' }

/**
 * All begin on the day on which the demo is made. The scheduler has nothing to make out for weeks,
 * and takes no money of a customer who only tries things.
 */
export const DEMO_SERVERS: readonly DemoServerTerms[] = [
  {
    customerEmail: 'customer1@demo.example',
    planKey: 'cloud-vps-1gb',
    hostname: 'web1.demo.example',
    location: 'Sofia',
    image: DEBIAN,
    host: 11,
    billingCycle: 1,
    addonKeys: [],
    autoPay: false,
    standing: 'unpaid',
  },
  {
    customerEmail: 'customer1@demo.example',
    planKey: 'cloud-vps-2gb',
    hostname: 'ubuntu-2gb',
    location: 'Sofia',
    image: UBUNTU,
    host: 12,
    billingCycle: 1,
    addonKeys: ['cpanel-pro-30'],
    autoPay: true,
    standing: 'running',
  },
  {
    customerEmail: 'customer1@demo.example',
    planKey: 'cloud-vps-4gb',
    hostname: 'mail.demo.example',
    location: 'Frankfurt',
    image: ALMA,
    host: 13,
    billingCycle: 12,
    addonKeys: [],
    autoPay: true,
    standing: 'suspended',
  },
  {
    customerEmail: 'customer2@demo.example',
    planKey: 'cloud-vps-2gb',
    hostname: 'shop.demo.example',
    location: 'Stockholm',
    image: UBUNTU,
    host: 21,
    billingCycle: 1,
    addonKeys: [],
    autoPay: true,
    standing: 'running',
  },
]
