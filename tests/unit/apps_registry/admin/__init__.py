from tests import django_ready as django_ready
