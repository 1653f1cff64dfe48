class Refused(Exception):
    def __init__(self, message, items):
        super().__init__(message + "".join("\n  " + i for i in items)); self.items = items
