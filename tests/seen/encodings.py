"""Texts in the encodings of their countries, and what identifies each encoding."""

from tests.seen.documents import ENCODING, File, page, plain

SENTENCES = {
    "gb18030": "退款政策：客户可以在收到货物后三十天内申请退款。\n请将产品连同原始包装一起寄回。",
    "big5": "退款政策：客戶可以在收到貨物後三十天內申請退款。\n請將產品連同原始包裝一起寄回。",
    "shift_jis": "お客様は商品到着後三十日以内に返金を申請できます。\n製品は元の梱包のまま返送してください。",
    "euc_jp": "お客様は商品到着後三十日以内に返金を申請できます。\n製品は元の梱包のまま返送してください。",
    "iso2022_jp": "お客様は商品到着後三十日以内に返金を申請できます。\n製品は元の梱包のまま返送してください。",
    "euc_kr": "고객은 상품을 받은 후 30일 이내에 환불을 신청할 수 있습니다.\n원래 포장과 함께 반송해 주십시오.",
    "cp1250": "Zákazník může požádat o vrácení peněz do třiceti dnů.\nProsím vraťte výrobek v původním obalu, příliš žluťoučký.",
    "cp1251": "Клиент может запросить возврат в течение тридцати дней.\nПожалуйста, верните товар в упаковке.",
    "koi8_r": "Клиент может запросить возврат в течение тридцати дней.\nПожалуйста, верните товар в упаковке.",
    "cp1252": "Die Rückerstattung erfolgt binnen dreißig Tagen – ohne Gebühr für den Käufer.\nLe client peut être remboursé.",
    "cp1253": "Ο πελάτης μπορεί να ζητήσει επιστροφή χρημάτων εντός τριάντα ημερών.\nΕπιστρέψτε το προϊόν.",
    "cp1254": "Müşteri ürünü teslim aldıktan sonra otuz gün içinde iade talebinde bulunabilir.\nLütfen ürünü gönderin.",
    "cp1255": "הלקוח יכול לבקש החזר כספי בתוך שלושים יום.\nנא להחזיר את המוצר באריזתו המקורית.",
    "cp1256": "يمكن للعميل طلب استرداد الأموال خلال ثلاثين يوما من استلام المنتج.\nيرجى إعادة المنتج.",
    "cp1257": "Klientas gali prašyti grąžinti pinigus per trisdešimt dienų nuo prekės gavimo.\nPrašome grąžinti prekę.",
    "cp874": "ลูกค้าสามารถขอคืนเงินได้ภายในสามสิบวันหลังจากได้รับสินค้า\nกรุณาส่งคืนสินค้า",
    "utf-16": "退款政策：客户可以在收到货物后三十天内申请退款。\n请将产品连同原始包装一起寄回。",
    "utf-16-le": "退款政策：客户可以在收到货物后三十天内申请退款。\n请将产品连同原始包装一起寄回。",
    "utf-16-be": "お客様は商品到着後三十日以内に返金を申請できます。\n製品は元の梱包のまま返送してください。",
}
DECLARED = (
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset={}"><title>T</title></head><p>{}</html>'
)
# The web's names of the encodings for which Python has other names.
LABELS = {
    "cp874": "windows-874",
    "euc_jp": "euc-jp",
    "euc_kr": "euc-kr",
    "koi8_r": "koi8-r",
    "iso2022_jp": "iso-2022-jp",
}

ENCODINGS: dict[str, File] = {
    **{
        f"text in {encoding}": plain(ENCODING, sentence.encode(encoding), sentence)
        for encoding, sentence in SENTENCES.items()
    },
    **{
        f"HTML that declares {encoding}": page(
            ENCODING,
            DECLARED.format(LABELS.get(encoding, encoding.replace("cp", "windows-")), sentence[:20]).encode(encoding),
            sentence[:20].strip(),
        )
        for encoding, sentence in SENTENCES.items()
        if not encoding.startswith("utf-16")
    },
    "HTML that declares the wrong one": page(
        ENCODING, DECLARED.format("utf-8", SENTENCES["cp1251"]).encode("cp1251"), "Клиент может"
    ),
    "HTML that declares none": page(ENCODING, f"<p>{SENTENCES['shift_jis']}".encode("shift_jis"), "お客様は商品"),
    "bytes that may be anything": plain(
        ENCODING,
        bytes(range(0xA1, 0xFF)) * 3,
        refused="does not declare its encoding, and it cannot be detected: save it as UTF-8",
    ),
    "a word that may be several": plain(ENCODING, "дом".encode("cp866"), refused="save it as UTF-8"),
}
