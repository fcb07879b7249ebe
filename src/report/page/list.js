// A list of any length of which only the rows in view exist.

const OVERSCAN = 12
/** Browsers refuse elements much taller than this; beyond it the scroll position is scaled. */
const MAX_HEIGHT = 12_000_000

const list = byId('list')
const spacer = byId('spacer')
let visible = rows
let current = -1
let drawn = new Map()

const rowHeight = () =>
  Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue('--row'), 10)

/** How list positions map to scroll positions. */
function geometry() {
  const size = rowHeight()
  const wanted = visible.length * size
  const height = Math.min(wanted, MAX_HEIGHT)
  const room = list.clientHeight
  const scale = height > room ? (wanted - room) / (height - room) : 1
  return { size, height, room, scale }
}

function markOf(row) {
  const { word, sign, tone } = VERDICTS[row.verdict]
  return make('span', `mark ${tone}`, `${sign} ${word}`)
}

function signerOf(row) {
  return make('span', row.who ? 'who' : 'who nobody', row.who || 'nobody proven')
}

function subjectOf(row) {
  const subject = make('span', 'subject')
  if (row.codes) {
    for (const code of row.codes.split(' '))
      subject.append(make('span', `code ${VERDICTS[row.verdict].tone}`, code))
  } else if (row.verdict === 2) subject.append(make('span', 'code unknown', 'signer not checked'))
  else if (STRENGTHS[row.strength])
    subject.append(make('span', 'code pass', STRENGTHS[row.strength]))
  subject.append(row.subject || '(no subject)')
  subject.title = row.subject
  return subject
}

function whenOf(row) {
  const when = make('span', 'when', row.time ? dayText(row.time) : `~${dayText(row.claimed)}`)
  when.title = row.time ? 'trusted time of signing' : 'time the object claims; not proven'
  return when
}

function makeRow(index) {
  const row = visible[index]
  const element = make(
    'div',
    'row',
    markOf(row),
    make('span', 'id', row.id.slice(0, 10)),
    signerOf(row),
  )
  element.append(subjectOf(row), whenOf(row))
  element.id = `row-${index}`
  element.setAttribute('role', 'option')
  element.setAttribute('aria-posinset', index + 1)
  element.setAttribute('aria-setsize', visible.length)
  element.setAttribute('aria-selected', index === current)
  element.addEventListener('click', () => {
    select(index)
    showEvidence(row)
  })
  return element
}

function draw() {
  const { size, height, room, scale } = geometry()
  spacer.style.height = `${height}px`
  const top = list.scrollTop
  const offset = top * scale
  const first = Math.max(Math.floor(offset / size) - OVERSCAN, 0)
  const last = Math.min(Math.ceil((offset + room) / size) + OVERSCAN, visible.length)
  const next = new Map()
  for (let index = first; index < last; index++) {
    const element = drawn.get(index) ?? makeRow(index)
    element.style.top = `${top + index * size - offset}px`
    if (!drawn.has(index)) spacer.append(element)
    next.set(index, element)
  }
  for (const [index, element] of drawn) if (!next.has(index)) element.remove()
  drawn = next
}

function redraw() {
  for (const element of drawn.values()) element.remove()
  drawn = new Map()
  draw()
}

/** Shows other rows; keeps the chosen one when it is among them. */
function showRows(next) {
  const chosen = visible[current]
  visible = next
  current = chosen === undefined ? -1 : next.indexOf(chosen)
  // No taller than its rows, with room for what is said where there are none.
  list.style.setProperty('--rows', Math.max(next.length, 3))
  list.querySelector('.empty')?.remove()
  if (next.length === 0) list.append(make('p', 'empty', 'Nothing matches these filters.'))
  list.scrollTop = 0
  redraw()
  if (current >= 0) scrollToRow(current)
  else list.removeAttribute('aria-activedescendant')
}

function scrollToRow(index) {
  const { size, room, scale } = geometry()
  const offset = list.scrollTop * scale
  if (index * size < offset) list.scrollTop = (index * size) / scale
  else if ((index + 1) * size > offset + room) list.scrollTop = ((index + 1) * size - room) / scale
  draw()
}

function select(index) {
  if (visible.length === 0) return
  drawn.get(current)?.setAttribute('aria-selected', false)
  current = Math.min(Math.max(index, 0), visible.length - 1)
  scrollToRow(current)
  drawn.get(current)?.setAttribute('aria-selected', true)
  list.setAttribute('aria-activedescendant', `row-${current}`)
}

function listKey(event) {
  const page = Math.max(Math.floor(list.clientHeight / rowHeight()) - 1, 1)
  const moves = {
    ArrowDown: current + 1,
    j: current + 1,
    ArrowUp: current - 1,
    k: current - 1,
    PageDown: current + page,
    PageUp: current - page,
    Home: 0,
    End: visible.length - 1,
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key in moves) {
    select(moves[event.key])
    if (evidenceIsOpen()) showEvidence(visible[current])
  } else if (event.key === 'Enter' || event.key === ' ') {
    if (current >= 0) showEvidence(visible[current], true)
  } else return
  event.preventDefault()
}

list.addEventListener('keydown', listKey)
list.addEventListener('scroll', draw, { passive: true })
addEventListener('resize', redraw)
