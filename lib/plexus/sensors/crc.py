"""CRC-8 as the sensors' datasheets define it: most significant bit first, no final inversion."""


def crc8(data, polynomial=0x31, initial=0xFF):
    """The checksum of bytes. The defaults, x^8 + x^5 + x^4 + 1 from 0xFF on, are Sensirion's.

    0xBEEF gives 0x92 (Sensirion SHT3x-DIS datasheet, version 7, section 4.12).
    """
    crc = initial
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ polynomial if crc & 0x80 else crc << 1
            crc &= 0xFF
    return crc
