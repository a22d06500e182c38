# expect: limit
import decimal
from kraken_hooks import on

@on()
def handle(msg):
    decimal.Decimal(10) ** decimal.Decimal('1e9')
    decimal.Decimal(2).sqrt(decimal.Context(prec=10 ** 8))
