import pytest

from advisor.languages import named_shares, share_by_language
from advisor.tokens import count_letters


def languages(text):
    utf8 = text.encode()
    return named_shares(share_by_language(utf8, count_letters(utf8)))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The fee is due at the end of the year and is paid by the bank."),
        ("de", "Die Gebühr wird am Ende des Jahres fällig und ist von der Bank zu zahlen."),
        ("fr", "Les frais sont dus dans le mois et payés par la banque avec les intérêts."),
        ("es", "Los gastos se pagan en el mes y las comisiones también son para el banco."),
        ("it", "Il costo della banca è dovuto anche nel mese, gli interessi sono più alti."),
        ("pt", "Os custos são pagos no mês e também não há juros pelo banco."),
        ("nl", "De kosten worden aan het einde van het jaar door de bank betaald."),
        ("zh", "本基金的年费率为百分之一点二，每年年底支付。"),
        ("ja", "手数料は年末に銀行から支払われます。"),
        ("ko", "수수료는 연말에 은행에서 지급합니다."),
        ("ru", "Комиссия выплачивается банком в конце года."),
        ("ar", "يدفع البنك الرسوم في نهاية السنة."),
    ],
)
def test_one_sentence_tells_its_language(language, text):
    assert languages(text) == {language: 1.0}


def test_a_table_without_common_words_is_taken_for_the_language_of_the_other_texts():
    assert languages("rate;fund;loan") == {"en": 1.0}
    assert named_shares({"": 10.0, "de": 30.0, "zh": 60.0}) == {"de": 0.4, "zh": 0.6}


def test_mixed_texts_have_shares():
    shares = languages(
        "本基金的年费率为百分之一点二，每年年底支付。" * 3 + " The fee is paid by the bank at the end. "
    )
    assert set(shares) == {"en", "zh"}
    assert shares["zh"] > shares["en"]


def test_shares_below_one_percent_are_left_out_and_nothing_has_no_language():
    assert named_shares({"en": 999.0, "zh": 1.0}) == {"en": 0.999}
    assert named_shares({}) == {}
