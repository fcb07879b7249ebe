// Filters, keys, paper.

/** More rows than this on paper help nobody; the page says how many it left out. */
const MAX_PAPER_ROWS = 1000
const MAX_PAPER_PASSES = 150

const counts = [0, 0, 0]
for (const row of rows) counts[row.verdict]++

function options(select, all, entries) {
  select.append(new Option(all, ''))
  for (const [label, value] of entries) select.append(new Option(label, value))
}

const people = new Map()
const codes = new Map()
for (const row of rows) {
  people.set(row.who, (people.get(row.who) ?? 0) + 1)
  for (const code of row.codes.split(' ').filter(Boolean))
    codes.set(code, (codes.get(code) ?? 0) + 1)
}
const byCount = (map) => [...map].sort((a, b) => b[1] - a[1])
options(
  byId('person'),
  'everybody',
  byCount(people)
    .slice(0, 500)
    .map(([who, count]) => [`${who || NOBODY} (${countText(count)})`, `=${who}`]),
)
options(
  byId('code'),
  'any',
  byCount(codes).map(([code, count]) => [`${code} (${countText(count)})`, code]),
)

function applyFilters() {
  const found = filteredRows()
  showRows(found)
  const all = rows.length === 1 ? '1 object' : `${countText(rows.length)} objects`
  byId('shown').textContent =
    found.length === rows.length ? all : `${countText(found.length)} of ${all}`
}

function readControls() {
  filter.text = byId('text').value
  filter.person = byId('person').value === '' ? undefined : byId('person').value.slice(1)
  filter.code = byId('code').value
  filter.from = Date.parse(byId('from').value) / 1000 || 0
  filter.to = Date.parse(byId('to').value) / 1000 + 86400 || 0
  applyFilters()
}

function setVerdicts(verdicts) {
  filter.verdicts = new Set(verdicts)
  for (const toggle of document.querySelectorAll('.toggle')) {
    toggle.setAttribute('aria-pressed', filter.verdicts.has(Number(toggle.dataset.verdict)))
  }
}

function clearFilters() {
  byId('filters').reset()
  setVerdicts([0, 1, 2])
  readControls()
}

for (const toggle of document.querySelectorAll('.toggle')) {
  const verdict = Number(toggle.dataset.verdict)
  toggle.append(` ${countText(counts[verdict])}`)
  toggle.addEventListener('click', () => {
    const next = new Set(filter.verdicts)
    if (!next.delete(verdict)) next.add(verdict)
    setVerdicts(next)
    applyFilters()
  })
}

let waiting
byId('text').addEventListener('input', () => {
  clearTimeout(waiting)
  waiting = setTimeout(readControls, 120)
})
for (const id of ['person', 'code', 'from', 'to']) byId(id).addEventListener('change', readControls)
byId('filters').addEventListener('submit', (event) => {
  event.preventDefault()
  readControls()
  list.focus()
})
byId('clear').addEventListener('click', clearFilters)

for (const button of document.querySelectorAll('[data-code]')) {
  button.addEventListener('click', () => {
    clearFilters()
    byId('code').value = button.dataset.code
    readControls()
    byId('objects').scrollIntoView()
    list.focus({ preventScroll: true })
    select(0)
  })
}

document.addEventListener('keydown', (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)
  if (event.key === 'Escape') {
    if (evidenceIsOpen()) closeEvidence()
    else if (event.target.id === 'text') list.focus()
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault()
    byId('text').focus()
  }
})

function chooseLane(lane, from, to) {
  if (lane.who === undefined) return
  clearFilters()
  byId('person').value = `=${lane.who}`
  if (from !== undefined) {
    byId('from').value = dayText(from)
    byId('to').value = dayText(to)
  }
  readControls()
  byId('objects').scrollIntoView()
}

function paperTable(found, limit) {
  const table = make('table')
  const head = make('tr')
  for (const title of ['verdict', 'id', 'signer', 'subject', 'time'])
    head.append(make('th', '', title))
  const body = make('tbody')
  for (const row of found.slice(0, limit)) {
    const line = make('tr')
    const id = make('span', 'id', row.id.slice(0, 10))
    for (const cell of [markOf(row), id, row.who || '–', subjectOf(row), whenOf(row)]) {
      line.append(make('td', '', cell))
    }
    body.append(line)
  }
  table.append(make('thead', '', head), body)
  const left = found.length - limit
  return left > 0
    ? [
        table,
        make('p', 'hint', `and ${countText(left)} more: filter before printing to choose others`),
      ]
    : [table]
}

/** What does not pass comes first on paper, and of the rest only some. */
function printRows() {
  const nodes = []
  for (const [title, passing, limit] of [
    ['Do not pass', false, MAX_PAPER_ROWS],
    ['Pass', true, MAX_PAPER_PASSES],
  ]) {
    const found = visible.filter((row) => (row.verdict === 0) === passing)
    if (found.length === 0) continue
    nodes.push(make('h3', '', `${title} (${countText(found.length)})`), ...paperTable(found, limit))
  }
  byId('paper').replaceChildren(...nodes)
}

addEventListener('beforeprint', printRows)
addEventListener('afterprint', () => byId('paper').replaceChildren())

byId('objects').hidden = rows.length === 0
if (rows.length > 0) {
  drawTimeline(chooseLane)
  applyFilters()
  const wanted = location.hash.slice(1)
  const index = /^[0-9a-f]{7,64}$/.test(wanted)
    ? rows.findIndex((row) => row.id.startsWith(wanted))
    : -1
  // Of a single object everything is shown, where there is room beside the list.
  const isOnly = rows.length === 1 && matchMedia('(min-width: 1081px)').matches
  const chosen = isOnly ? 0 : index
  if (chosen >= 0) {
    select(chosen)
    showEvidence(rows[chosen])
  }
}
document.documentElement.dataset.ready = 'true'
