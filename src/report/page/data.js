// Reads the lines that RowWriter wrote. Everything in them is text to show, never markup.

const VERDICTS = [
  { word: 'pass', sign: '✓', tone: 'pass' },
  { word: 'fail', sign: '✗', tone: 'fail' },
  { word: 'unknown', sign: '?', tone: 'unknown' },
]
const STRENGTHS = {
  mechanical: 'mechanical merge',
  'vouched-by-forge': 'vouched by the forge',
  'vouched-by-merger': 'vouched by the merger',
  accepted: 'accepted by the policy',
  'before-anchor': 'before the anchor',
}
const NOBODY = 'no proven signer'

const byId = (id) => document.getElementById(id)

/** An element; children are nodes or text. */
function make(tag, className, ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.append(...children)
  return element
}

const strings = []
const text = (value) => (typeof value === 'number' ? (strings[value] ?? '') : (value ?? ''))

function readRows(data) {
  const rows = []
  for (let start = data.indexOf('\n') + 1; start < data.length;) {
    let end = data.indexOf('\n', start)
    if (end < 0) end = data.length
    if (data[start] === 's') strings.push(JSON.parse(data.slice(start + 1, end)))
    else if (data[start] === '[') {
      const tab = data.indexOf('\t', start)
      const [id, verdict, strength, codes, who, identity, time, claimed, subject, author] =
        JSON.parse(data.slice(start, tab))
      rows.push({
        id,
        verdict,
        strength: text(strength),
        codes: text(codes),
        who: text(who),
        identity: text(identity),
        /** Trusted time in seconds, 0 when there is none. */
        time,
        claimed,
        subject,
        author: text(author),
        evidenceStart: tab + 1,
        evidenceEnd: end,
        searchText: undefined,
      })
    }
    start = end + 1
  }
  return rows
}

const evidenceOf = (row) => JSON.parse(source.slice(row.evidenceStart, row.evidenceEnd))
const timeOf = (row) => row.time || row.claimed
const dayText = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 10) : '')
const countText = (count) => count.toLocaleString('en')

const source = byId('rows-data').textContent
const rows = readRows(source)
const reasons = JSON.parse(byId('reasons-data').textContent)

const filter = {
  text: '',
  verdicts: new Set([0, 1, 2]),
  person: undefined,
  code: '',
  from: 0,
  to: 0,
}

function matches(row, words) {
  if (!filter.verdicts.has(row.verdict)) return false
  if (filter.person !== undefined && row.who !== filter.person) return false
  if (filter.code !== '' && !row.codes.split(' ').includes(filter.code)) return false
  const time = timeOf(row)
  if (filter.from && time < filter.from) return false
  if (filter.to && time >= filter.to) return false
  if (words.length === 0) return true
  row.searchText ??= [
    row.id,
    row.subject,
    row.who,
    row.identity,
    row.author,
    row.codes,
    row.strength,
  ]
    .join(' ')
    .toLowerCase()
  return words.every((word) => row.searchText.includes(word))
}

function filteredRows() {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter((row) => matches(row, words))
}
