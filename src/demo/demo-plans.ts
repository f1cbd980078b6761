/** What the demo shop rents out: for 1, 3, 6, 12 and 24 months, in four currencies. */
export interface DemoPlan {
  readonly key: string
  readonly name: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly diskGb: number
  readonly bandwidthGb: number
  readonly prices: CyclePrices
}

export interface DemoAddon {
  readonly key: string
  readonly family: string
  readonly name: string
  readonly prices: CyclePrices
}

type Five = readonly [string, string, string, string, string]
type CyclePrices = {
  readonly USD: Five
  readonly EUR: Five
  readonly SEK: Five
  readonly JPY: Five
}

const CYCLES = [1, 3, 6, 12, 24] as const

/** The rows of a price list. */
export function demoPrices(
  prices: CyclePrices,
): { currency: string; billingCycle: number; amount: string }[] {
  return Object.entries(prices).flatMap(([currency, amounts]) =>
    CYCLES.map((billingCycle, at) => ({ currency, billingCycle, amount: amounts[at] ?? '' })),
  )
}

export const DEMO_PLANS: readonly DemoPlan[] = [
  {
    key: 'cloud-vps-1gb',
    name: 'Cloud VPS 1 GB',
    vcpus: 1,
    memoryMb: 1024,
    diskGb: 20,
    bandwidthGb: 1000,
    prices: {
      USD: ['5.00', '14.25', '27.00', '51.00', '96.00'],
      EUR: ['4.60', '13.10', '24.80', '46.90', '88.30'],
      SEK: ['49', '139', '265', '499', '940'],
      JPY: ['750', '2140', '4050', '7650', '14400'],
    },
  },
  {
    key: 'cloud-vps-2gb',
    name: 'Cloud VPS 2 GB',
    vcpus: 2,
    memoryMb: 2048,
    diskGb: 40,
    bandwidthGb: 2000,
    prices: {
      USD: ['10.00', '28.50', '54.00', '102.00', '192.00'],
      EUR: ['9.20', '26.20', '49.70', '93.80', '176.60'],
      SEK: ['99', '282', '535', '1010', '1900'],
      JPY: ['1500', '4280', '8100', '15300', '28800'],
    },
  },
  {
    key: 'cloud-vps-4gb',
    name: 'Cloud VPS 4 GB',
    vcpus: 2,
    memoryMb: 4096,
    diskGb: 80,
    bandwidthGb: 4000,
    prices: {
      USD: ['20.00', '57.00', '108.00', '204.00', '384.00'],
      EUR: ['18.40', '52.40', '99.40', '187.60', '353.20'],
      SEK: ['199', '567', '1075', '2030', '3820'],
      JPY: ['3000', '8560', '16200', '30600', '57600'],
    },
  },
  {
    key: 'cloud-vps-8gb',
    name: 'Cloud VPS 8 GB',
    vcpus: 4,
    memoryMb: 8192,
    diskGb: 160,
    bandwidthGb: 8000,
    prices: {
      USD: ['40.00', '114.00', '216.00', '408.00', '768.00'],
      EUR: ['36.80', '104.80', '198.80', '375.20', '706.40'],
      SEK: ['399', '1137', '2155', '4070', '7660'],
      JPY: ['6000', '17120', '32400', '61200', '115200'],
    },
  },
]

export const DEMO_ADDONS: readonly DemoAddon[] = [
  {
    key: 'cpanel-admin-5',
    family: 'cpanel',
    name: 'cPanel & WHM license - up to 5 accounts',
    prices: {
      USD: ['28.00', '84.00', '168.00', '336.00', '672.00'],
      EUR: ['25.80', '77.40', '154.80', '309.60', '619.20'],
      SEK: ['289', '867', '1734', '3468', '6936'],
      JPY: ['4200', '12600', '25200', '50400', '100800'],
    },
  },
  {
    key: 'cpanel-pro-30',
    family: 'cpanel',
    name: 'cPanel & WHM license - up to 30 accounts',
    prices: {
      USD: ['42.00', '126.00', '252.00', '504.00', '1008.00'],
      EUR: ['38.60', '115.80', '231.60', '463.20', '926.40'],
      SEK: ['429', '1287', '2574', '5148', '10296'],
      JPY: ['6300', '18900', '37800', '75600', '151200'],
    },
  },
  {
    key: 'plesk-web-host',
    family: 'plesk',
    name: 'Plesk Web Host license',
    prices: {
      USD: ['30.00', '90.00', '180.00', '360.00', '720.00'],
      EUR: ['27.60', '82.80', '165.60', '331.20', '662.40'],
      SEK: ['309', '927', '1854', '3708', '7416'],
      JPY: ['4500', '13500', '27000', '54000', '108000'],
    },
  },
  {
    key: 'backup-100gb',
    family: 'backup',
    name: 'Backup space 100 GB',
    prices: {
      USD: ['2.50', '7.50', '15.00', '30.00', '60.00'],
      EUR: ['2.30', '6.90', '13.80', '27.60', '55.20'],
      SEK: ['25', '75', '150', '300', '600'],
      JPY: ['375', '1125', '2250', '4500', '9000'],
    },
  },
]
