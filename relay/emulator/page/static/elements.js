// Elements of the page. Text goes in as text, never as markup, and turns no direction of what stands beside it.

const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

// Characters that nobody sees, written out: an id with one is another id.
export const plain = text =>
  String(text ?? '').replace(UNSEEN, char => `\\u${char.codePointAt(0).toString(16).padStart(4, '0')}`)

export function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = plain(text)
  return element
}

export function short(text, most) {
  const value = plain(text)
  return value.length > most ? `${value.slice(0, most - 1)}…` : value
}

export function hue(text) {
  let hash = 0
  for (const char of String(text)) hash = (hash * 31 + char.codePointAt(0)) % 360
  return hash
}

export function chip(className, strong, text, title) {
  const element = make('span', `chip ${className}`)
  if (strong) element.append(make('b', '', strong))
  if (text) element.append(make('bdi', '', text))
  if (title) element.title = plain(title)
  return element
}

// A time of day for the eye, with its date and zone for who wants to know which.
export function moment(iso) {
  const at = new Date(iso)
  const element = make('time', 'when', at.toLocaleTimeString([], { hour12: false }))
  element.append(make('small', '', at.toLocaleDateString([], { day: 'numeric', month: 'short' })))
  element.dateTime = at.toISOString()
  return element
}

// Puts it there only where it is something else: what stays the same is not drawn, and not read out, again.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}
