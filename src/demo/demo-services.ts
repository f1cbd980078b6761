import type { ServiceType } from '../core/catalogue/service-type.ts'

/** What the demo shop sells: one service of each type, priced for 1000 in three currencies. */
export interface DemoService {
  readonly id: bigint
  readonly type: ServiceType
  readonly category: string
  readonly name: string
  readonly description: string
  readonly minQuantity: number
  readonly maxQuantity: number
  readonly packageQuantity: number | null
  readonly rates: { readonly USD: string; readonly EUR: string; readonly SEK: string }
}

export const DEMO_SERVICES: readonly DemoService[] = [
  {
    id: 1n,
    type: 'Default',
    category: 'Images',
    name: 'Image tagging',
    description: 'Each picture behind the link gets a set of tags, checked by a person.',
    minQuantity: 50,
    maxQuantity: 10_000,
    packageQuantity: null,
    rates: { USD: '0.90', EUR: '0.85', SEK: '9.50' },
  },
  {
    id: 2n,
    type: 'SEO',
    category: 'Websites',
    name: 'Site audit by keyword',
    description: 'Pages of the site are read for each keyword, with findings for every page.',
    minQuantity: 10,
    maxQuantity: 5_000,
    packageQuantity: null,
    rates: { USD: '12.50', EUR: '11.80', SEK: '130' },
  },
  {
    id: 3n,
    type: 'Custom Comments',
    category: 'Texts',
    name: 'Captions by the line',
    description: 'Every line that you send is edited into a caption.',
    minQuantity: 10,
    maxQuantity: 1_500,
    packageQuantity: null,
    rates: { USD: '8', EUR: '7.60', SEK: '84' },
  },
  {
    id: 4n,
    type: 'Package',
    category: 'Websites',
    name: 'Store listing, 25 products',
    description: 'Titles, descriptions and attributes for 25 products of a store.',
    minQuantity: 1,
    maxQuantity: 1,
    packageQuantity: 25,
    rates: { USD: '400', EUR: '380', SEK: '4200' },
  },
  {
    id: 5n,
    type: 'Poll',
    category: 'Research',
    name: 'Preference test',
    description: 'People of a panel look at the alternatives; one is reported on in detail.',
    minQuantity: 20,
    maxQuantity: 2_000,
    packageQuantity: null,
    rates: { USD: '45', EUR: '42.50', SEK: '470' },
  },
  {
    id: 6n,
    type: 'Invites from Groups',
    category: 'Newsletters',
    name: 'Newsletter invitations',
    description: 'Invitations to people on the lists you name, all of whom have opted in.',
    minQuantity: 100,
    maxQuantity: 20_000,
    packageQuantity: null,
    rates: { USD: '3.20', EUR: '3.05', SEK: '33.50' },
  },
  {
    id: 7n,
    type: 'Custom Comments Package',
    category: 'Texts',
    name: 'Caption package for a series',
    description: 'A number of captions for each new article of a series.',
    minQuantity: 1,
    maxQuantity: 500,
    packageQuantity: null,
    rates: { USD: '9', EUR: '8.60', SEK: '95' },
  },
  {
    id: 8n,
    type: 'Subscriptions',
    category: 'Images',
    name: 'Alternative texts for new pictures',
    description: 'Pictures that you publish get an alternative text as they appear.',
    minQuantity: 10,
    maxQuantity: 1_000,
    packageQuantity: null,
    rates: { USD: '15', EUR: '14.20', SEK: '157.50' },
  },
]
