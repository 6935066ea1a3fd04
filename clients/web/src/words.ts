// What the renderer itself says. All else comes from the server, in the panel's language.

const en = {
  actions: "Actions",
  all: "Show all {}",
  cancel: "Cancel",
  chart: "Chart",
  close: "Close the message",
  closed: "You may not look at this panel, or not any more. Open the panel again from your editor.",
  code: "Code",
  connecting: "Connecting…",
  diff: "Change of",
  error: "Error",
  gone: "That link was used or is too old. Open the panel again from your editor.",
  info: "Note",
  last: "last value",
  log: "Log",
  lost: "The connection is lost. Trying again…",
  noAnswer: "IDE-Agent does not answer.",
  number: "A number is needed.",
  ok: "OK",
  percent: "{} %",
  points: "points",
  required: "This is needed.",
  success: "Done",
  warning: "Warning",
};

export type Words = typeof en;

const tr: Words = {
  actions: "İşlemler",
  all: "Hepsini göster ({})",
  cancel: "Vazgeç",
  chart: "Grafik",
  close: "İletiyi kapat",
  closed: "Bu panele bakma izniniz yok ya da sona erdi. Paneli düzenleyicinizden yeniden açın.",
  code: "Kod",
  connecting: "Bağlanılıyor…",
  diff: "Değişiklik:",
  error: "Hata",
  gone: "Bu bağlantı kullanılmış ya da süresi geçmiş. Paneli düzenleyicinizden yeniden açın.",
  info: "Not",
  last: "son değer",
  log: "Günlük",
  lost: "Bağlantı koptu. Yeniden deneniyor…",
  noAnswer: "IDE-Agent yanıt vermiyor.",
  number: "Bir sayı gerekli.",
  ok: "Tamam",
  percent: "%{}",
  points: "nokta",
  required: "Bu alan gerekli.",
  success: "Tamamlandı",
  warning: "Uyarı",
};

/** Of a language tag; English unless it is Turkish. */
export function wordsOf(language: string): Words {
  return language.startsWith("tr") ? tr : en;
}
